"""When a node runs. The rule, its words and the reasons stand in docs/how-a-graph-runs.md; this is that page in bits.

Every function here only looks: same graph, same frame, same answer.
"""

from domain.graph.compiled import CompiledGraph, bits, has_one
from domain.graph.definition import JoinKind
from domain.ids import NodeIndex
from domain.run.state import Frame


def plan(graph: CompiledGraph, frame: Frame) -> list[NodeIndex]:
    """Nodes of `frame` that may start now, in document order; a node that may start twice is named once."""
    pending = frame.pending
    ready = pending & graph.free
    if ready & frame.active:
        ready ^= _without_room(graph, frame, ready & frame.active)
    if ready != pending:
        for node in bits(pending & ~graph.free):
            if _may_start(graph, frame, node):
                ready |= graph.bit[node]
    if ready:
        return [NodeIndex(ready.bit_length() - 1)] if has_one(ready) else list(bits(ready))
    return [] if frame.active or not pending else [_first_of_a_knot(graph, pending)]


def _without_room(graph: CompiledGraph, frame: Frame, busy: int) -> int:
    full = 0
    for node in bits(busy):
        if len(frame.running[node]) >= graph.nodes[node].concurrency:
            full |= graph.bit[node]
    return full


def _may_start(graph: CompiledGraph, frame: Frame, node: NodeIndex) -> bool:
    if frame.active & graph.bit[node]:
        return False
    if graph.counting & graph.bit[node]:
        return True
    waits = graph.waits_past(node, frame.spent)
    if frame.active & waits:
        return False
    first = frame.pending & waits
    return not first or not first & ~_passes(graph, frame, node, first)


def _passes(graph: CompiledGraph, frame: Frame, node: NodeIndex, first: int) -> int:
    """Which of the pending nodes `first` that could still send a token here need not be waited for: the head of a loop we are in, while we
    hold a token from inside it; and, for a head, nodes of its loop whose tokens all come from outside."""
    passed = 0
    for head in bits(first & graph.around[node]):
        if any(graph.loops[head] >> token.source & 1 for token in frame.tokens[node]):
            passed |= graph.bit[head]
    inside = graph.loops.get(node, 0)
    for other in bits(first & inside & ~passed):
        if not any(inside >> token.source & 1 for token in frame.tokens[other]):
            passed |= graph.bit[other]
    return passed


def _first_of_a_knot(graph: CompiledGraph, pending: int) -> NodeIndex:
    """Nothing runs and all wait for each other (only in irreducible graphs): the one discovered first goes."""
    return min(bits(pending), key=graph.preorder.__getitem__)


def wants(graph: CompiledGraph, frame: Frame, node: NodeIndex) -> bool:
    """Does a node hold the tokens that its join asks for?"""
    join, tokens = graph.joins[node], frame.tokens.get(node)
    if not tokens:
        return False
    if join.kind is JoinKind.COUNT:
        return len(tokens) >= join.count
    if join.kind is JoinKind.FROM:
        here = {token.source for token in tokens}
        return all(graph.index[source] in here if source in graph.index else len(graph.nodes) in here for source in join.sources)
    return True


def starved(graph: CompiledGraph, frame: Frame) -> list[NodeIndex]:
    """`count` and `from` nodes that hold tokens, want more, and can get none; only those that no other starved node could feed, and of a
    circle of them the one discovered first."""
    hungry = 0
    for node in bits(graph.counting & ~frame.pending & ~frame.spent & ~frame.fired):
        tokens = frame.tokens.get(node)
        if tokens and not all(token.kept for token in tokens) and not _under_way(graph, frame, node):
            hungry |= graph.bit[node]
    if not hungry:
        return []
    first = [node for node in bits(hungry) if not graph.waits_past(node, frame.spent) & hungry]
    return first or [min(bits(hungry), key=graph.preorder.__getitem__)]


def _under_way(graph: CompiledGraph, frame: Frame, node: NodeIndex) -> int:
    return (frame.active | frame.pending) & graph.waits_past(node, frame.spent)


def rounds_over(graph: CompiledGraph, frame: Frame) -> int:
    """Bits of the spent or fired nodes whose round ends because nothing that could feed them is in flight, other spent nodes aside."""
    over = 0
    for node in bits(frame.spent | frame.fired):
        if not _under_way(graph, frame, node) & ~frame.spent:
            over |= graph.bit[node]
    return over

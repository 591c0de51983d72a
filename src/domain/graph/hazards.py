"""What a graph may be but will surprise: searches over the compiled graph. Each gives warnings, and none of them is needed to run."""

from collections.abc import Iterator

from domain.errors import Problem
from domain.graph.checks import step
from domain.graph.compiled import CompiledGraph, bits
from domain.graph.definition import JoinKind
from domain.ids import NodeId, NodeIndex


def second_entries(compiled: CompiledGraph) -> Iterator[Problem]:
    """A loop that can be entered past its head is irreducible."""
    for number, node in enumerate(compiled.nodes):
        entered = _entered_past_the_head(compiled, NodeIndex(number))
        if entered:
            head = name_of(compiled, next(bits(entered)))
            message = f"`{node.id}` is a second entry into the loop of `{head}`: what runs first there depends on the order of the edges"
            yield Problem(f"/nodes/{step(node.id)}", "irreducible_loop", message)


def _entered_past_the_head(compiled: CompiledGraph, number: NodeIndex) -> int:
    """The heads of loops that contain this node, are not this node, and are entered here from outside."""
    inside = compiled.around[number] & ~compiled.bit[number]
    entered = 0
    if inside:
        for source in compiled.arrows.into[number]:
            if is_reached(compiled, source):
                entered |= inside & ~compiled.around[source]
    return entered


def fed_from_loops(compiled: CompiledGraph) -> Iterator[Problem]:
    for number, node in enumerate(compiled.nodes):
        join = compiled.joins[number]
        if join.kind is not JoinKind.ALL or compiled.sources[number] < 2:
            continue
        loops = _fed_twice_from(compiled, NodeIndex(number))
        if loops:
            head = name_of(compiled, min(bits(loops), key=lambda at: compiled.loops[at].bit_count()))
            message = (
                f"`{node.id}` is fed from inside loop `{head}` by two nodes and never returns to it: "
                f"it runs once, after the loop; add an edge to `{head}` or `join: any`"
            )
            yield Problem(f"/nodes/{step(node.id)}", "fed_from_loop", message)


def _fed_twice_from(compiled: CompiledGraph, number: NodeIndex) -> int:
    once = twice = 0
    for source in compiled.arrows.into[number]:
        around = compiled.around[source]
        twice |= once & around
        once |= around
    return twice & ~compiled.around[number]


def counts_out_of_reach(compiled: CompiledGraph) -> Iterator[Problem]:
    """Where every source runs at most once, no more tokens come than there are sources."""
    repeating = _repeating(compiled)
    for number in bits(compiled.counting):
        join, node, most = compiled.joins[number], compiled.nodes[number], compiled.sources[number]
        if join.kind is JoinKind.COUNT and join.count > most and not compiled.waits[number] & repeating:
            message = f"`{node.id}` counts to {join.count}, and no more than {most} tokens can come to it"
            yield Problem(f"/nodes/{step(node.id)}/join/count", "count_out_of_reach", message)


def _repeating(compiled: CompiledGraph) -> int:
    """Nodes that may run more than once."""
    found = 0
    for members in compiled.loops.values():
        found |= members
    for number, join in enumerate(compiled.joins):
        if join.kind is not JoinKind.ALL and compiled.sources[number] > 1:
            found |= compiled.bit[number]
    return found


def is_reached(compiled: CompiledGraph, number: int) -> bool:
    return compiled.preorder[number] < len(compiled.arrows.out)


def name_of(compiled: CompiledGraph, number: NodeIndex) -> NodeId:
    return compiled.nodes[number].id

"""Two nodes that can run side by side and both replace one channel."""

import re
from collections.abc import Iterator, Mapping, Sequence
from graphlib import TopologicalSorter
from itertools import islice
from typing import Final

from domain.errors import Problem
from domain.graph.checks import step
from domain.graph.compiled import CompiledGraph, bits
from domain.graph.definition import Edge, Merge, Take
from domain.graph.hazards import is_reached
from domain.ids import NodeId

_MOST_PAIRS: Final = 200
"""How many pairs of writers of one channel are looked at; a warning is not worth more."""
_COMPARISON: Final = re.compile(r"([^&|<>=!?]+?)\s*(==|!=|<=|>=|<|>)\s*([^&|<>=!?]+)")
_OPPOSITE: Final = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def parallel_replaces(compiled: CompiledGraph) -> Iterator[Problem]:
    """One warning per channel, at the later of the first two nodes found."""
    writers = _writers(compiled)
    forks = [number for number, edges in enumerate(compiled.edges_of) if _forks(edges) and is_reached(compiled, number)]
    if not writers or not forks:
        return
    upstream = _upstream(compiled)
    fork_bits = sum(1 << number for number in forks)
    for channel, nodes in writers.items():
        pairs = islice(_unordered(nodes, upstream), _MOST_PAIRS)
        found = next((pair for pair in pairs if _side_by_side(compiled, upstream, fork_bits, *pair)), None)
        if found:
            one, other = (compiled.nodes[number].id for number in found)
            message = (
                f"`{one}` and `{other}` can run side by side and both replace `{channel}`: give it a merge rule or `on_conflict: last`"
            )
            yield Problem(f"/nodes/{step(other)}/writes/{step(channel)}", "parallel_replace", message)


def _writers(compiled: CompiledGraph) -> Mapping[str, list[int]]:
    """Contested channels with the reached nodes that replace them."""
    channels = compiled.graph.channels
    found: dict[str, list[int]] = {}
    for number, node in enumerate(compiled.nodes):
        for name in node.writes if is_reached(compiled, number) else ():
            channel = channels.get(name)
            if channel is not None and channel.merge is Merge.REPLACE and not channel.last_wins:
                found.setdefault(name, []).append(number)
    return {name: nodes for name, nodes in found.items() if len(nodes) > 1}


def _upstream(compiled: CompiledGraph) -> dict[int, int]:
    """Per reached node, in an order that respects the edges: the bits of what leads to it without a back edge."""
    arrows = compiled.arrows
    before = {
        node: [source for source in arrows.into[node] if source not in arrows.back.get(node, ()) and is_reached(compiled, source)]
        for node in range(len(arrows.into))
        if is_reached(compiled, node)
    }
    upstream: dict[int, int] = {}
    for node in TopologicalSorter(before).static_order():
        reach = 0
        for source in before[node]:
            reach |= upstream[source] | 1 << source
        upstream[node] = reach
    return upstream


def _unordered(nodes: Sequence[int], upstream: Mapping[int, int]) -> Iterator[tuple[int, int]]:
    """Pairs of which neither leads to the other."""
    wanted, seen = set(nodes), 0
    for node in upstream:
        if node in wanted:
            for other in bits(seen & ~upstream[node]):
                yield other, node
            seen |= 1 << node


def _side_by_side(compiled: CompiledGraph, upstream: Mapping[int, int], forks: int, one: int, other: int) -> bool:
    """Some fork may take at once an edge towards each, and at least one of the two edges leads to one of them alone."""
    to_one, to_other = upstream[one] | 1 << one, upstream[other] | 1 << other
    return any(_parts(compiled.edges_of[fork], compiled, to_one, to_other) for fork in bits(forks & upstream[one] & upstream[other]))


def _parts(edges: Sequence[Edge], compiled: CompiledGraph, to_one: int, to_other: int) -> bool:
    towards_one, towards_other = _leading(edges, compiled, to_one), _leading(edges, compiled, to_other)
    return any(
        a != b and not (to_other >> a & 1 and to_one >> b & 1) and _at_once(edge_a, edge_b)
        for edge_a, a in towards_one[:_MOST_PAIRS]
        for edge_b, b in towards_other[:_MOST_PAIRS]
    )


def _leading(edges: Sequence[Edge], compiled: CompiledGraph, towards: int) -> list[tuple[Edge, int]]:
    numbered = ((edge, compiled.index[target]) for edge in edges for target in edge.reaches() if target in compiled.index)
    return [(edge, target) for edge, target in numbered if towards >> target & 1]


def _forks(edges: Sequence[Edge]) -> bool:
    targets: set[NodeId] = {target for edge in edges for target in edge.reaches()}
    return len(targets) > 1 and (len(edges) > 1 or _at_once(edges[0], edges[0]))


def _at_once(one: Edge, other: Edge) -> bool:
    """Can both be taken by one visit? One edge stands for two of its targets."""
    if one is other:
        return one.choose is not None or one.take is Take.ALL
    if one.condition is None or other.condition is None:
        return True
    return not _exclude_each_other(one.condition, other.condition)


def _exclude_each_other(one: str, other: str) -> bool:
    """Seen on their face: `a > 1` and `a <= 1`, `a == 'x'` and `a == 'y'`, `c` and `!c`."""
    if one.strip() in (f"!{other.strip()}", f"!({other.strip()})") or other.strip() in (f"!{one.strip()}", f"!({one.strip()})"):
        return True
    a, b = _COMPARISON.fullmatch(one.strip()), _COMPARISON.fullmatch(other.strip())
    if a is None or b is None or a[1] != b[1]:
        return False
    same = a[3] == b[3]
    return _OPPOSITE[a[2]] == b[2] if same else a[2] == b[2] == "==" and _is_literal(a[3]) and _is_literal(b[3])


def _is_literal(text: str) -> bool:
    return re.fullmatch(r"""'[^']*'|"[^"]*"|-?\d+(\.\d+)?|true|false|null""", text) is not None

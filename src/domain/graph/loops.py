"""Loops of a graph, and for every joining node the nodes it waits for. Pure searches over numbers, none of them recursive."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from domain.errors import Problem, ValidationError
from domain.graph.components import Rows, closure, components, to_bits

MOST_LOOPS_DEEP = 100
"""How many loops may lie around one node."""

Back: TypeAlias = dict[int, frozenset[int]]
"""Head -> the sources of its back edges."""


@dataclass(slots=True)
class Arrows:
    """`out[u]`: where `u` leads, in the order of the edges; `into[v]`: what leads to `v`. `back`: see `find_loops`."""

    out: Sequence[Sequence[int]]
    into: Sequence[Sequence[int]]
    back: Back = field(default_factory=dict)


@dataclass(slots=True)
class Loops:
    members: dict[int, int]
    around: list[int]
    preorder: list[int]
    waits: dict[int, int]


def find_loops(arrows: Arrows, start: int, joining: Collection[int]) -> Loops:
    """Everything the planner wants to know of loops. Fills `arrows.back`."""
    size = len(arrows.out)
    preorder, back = _search(arrows, start)
    arrows.back = {head: frozenset(sources) for head, sources in back.items()}
    home = components(range(size), arrows.out)
    part_of = _numbers(home, size)
    members: dict[int, int] = {}
    around, depth = [0] * size, [0] * size
    for head in arrows.back:
        inside = _loop(arrows, head, part_of)
        members[head] = to_bits(inside)
        for node in inside:
            around[node] |= 1 << head
            depth[node] += 1
            if depth[node] > MOST_LOOPS_DEEP:
                raise _too_deep()
    return Loops(members, around, preorder, _waits(arrows, home, around, joining))


def _too_deep() -> ValidationError:
    message = f"a node lies inside more than {MOST_LOOPS_DEEP} loops: move inner loops into a workflow of their own"
    return ValidationError(message, [Problem("/edges", "loops_too_deep", message)])


def reaching(arrows: Arrows, node: int, heads: int, blocked: int) -> int:
    """Bits of every node with a path to `node` that uses no back edge into one of `heads` and goes through none of `blocked`."""
    seen = 0
    todo = [node]
    while todo:
        at = todo.pop()
        refused = arrows.back.get(at, ()) if heads >> at & 1 and at != node else ()
        for source in arrows.into[at]:
            if source in refused or seen >> source & 1 or source == node:
                continue
            seen |= 1 << source
            if not blocked >> source & 1:
                todo.append(source)
    return seen


def _search(arrows: Arrows, start: int) -> tuple[list[int], dict[int, list[int]]]:
    """Depth-first from `start` in the order of the edges: when each node was discovered, and the back edges by their target."""
    size = len(arrows.out)
    preorder = [size] * size
    is_open = bytearray(size)
    back: dict[int, list[int]] = {}
    clock = 0
    preorder[start], is_open[start] = clock, 1
    stack = [(start, iter(arrows.out[start]))]
    while stack:
        node, rest = stack[-1]
        target = next(rest, None)
        if target is None:
            is_open[node] = 0
            stack.pop()
        elif is_open[target]:
            back.setdefault(target, []).append(node)
        elif preorder[target] == size:
            clock += 1
            preorder[target], is_open[target] = clock, 1
            stack.append((target, iter(arrows.out[target])))
    return preorder, back


def _numbers(parts: list[list[int]], size: int) -> list[int]:
    part_of = [0] * size
    for number, part in enumerate(parts):
        for node in part:
            part_of[node] = number
    return part_of


def _loop(arrows: Arrows, head: int, part_of: list[int]) -> set[int]:
    """The head with every node of its component that reaches one of its back edges without passing through it."""
    inside = {head, *arrows.back[head]}
    todo = list(inside - {head})
    while todo:
        for source in arrows.into[todo.pop()]:
            if source not in inside and part_of[source] == part_of[head]:
                inside.add(source)
                todo.append(source)
    return inside


def _waits(arrows: Arrows, home: list[list[int]], around: list[int], joining: Collection[int]) -> dict[int, int]:
    """Per joining node: what is upstream of it once the back edges into the loops around it are removed."""
    wanted = set(joining)
    found: dict[int, int] = {}
    if not wanted:
        return found
    upstream = closure(home, arrows.into, {})
    for part in home:
        inside = wanted.intersection(part)
        if len(part) == 1:
            found.update((node, upstream[node] & ~(1 << node)) for node in inside)
        elif inside:
            contexts = {node: around[node] & ~(1 << node) for node in inside}
            found.update(_waits_in_a_knot(arrows, _Knot(part, _seeds(arrows.into, part, upstream, {}), 0, contexts)))
    return found


@dataclass(slots=True)
class _Knot:
    """Nodes that reach each other once the back edges into the heads `removed` are gone; `contexts`: whose waits are still to be found, and
    the heads around each; `seeds`: what is upstream of the knot, per node."""

    nodes: list[int]
    seeds: dict[int, int]
    removed: int
    contexts: dict[int, int]


def _waits_in_a_knot(arrows: Arrows, knot: _Knot) -> dict[int, int]:
    """From the outer loops inwards, so that each loop is walked once per loop around it."""
    found: dict[int, int] = {}
    todo = [knot]
    while todo:
        knot = todo.pop()
        into, parts = _without_back_edges(arrows, knot)
        closed = closure(parts, into, knot.seeds)
        found.update((node, closed[node] & ~(1 << node)) for node, heads in knot.contexts.items() if heads == knot.removed)
        rest = {node: heads for node, heads in knot.contexts.items() if heads != knot.removed}
        for part in parts if rest else ():
            mine = {node: rest[node] for node in part if node in rest}
            if mine:
                todo += _inner(knot, part, mine, _seeds(into, part, closed, knot.seeds))
    return found


def _inner(knot: _Knot, part: list[int], contexts: dict[int, int], seeds: dict[int, int]) -> list[_Knot]:
    """The next loops in. Where loops cross (irreducible graphs) each context is walked over the whole knot by itself."""
    common = to_bits(part) if len(part) > 1 else 0
    crossing = any(heads & ~knot.removed & ~common for heads in contexts.values())
    for heads in contexts.values():
        common &= heads
    if crossing or not common & ~knot.removed:
        return [_Knot(knot.nodes, knot.seeds, heads, {node: heads}) for node, heads in contexts.items()]
    return [_Knot(part, seeds, common | knot.removed, contexts)]


def _without_back_edges(arrows: Arrows, knot: _Knot) -> tuple[dict[int, list[int]], list[list[int]]]:
    """The arrows that are left inside a knot, and its components."""
    here = set(knot.nodes)
    into: dict[int, list[int]] = {}
    out: dict[int, list[int]] = {node: [] for node in knot.nodes}
    for node in knot.nodes:
        refused = arrows.back.get(node, ()) if knot.removed >> node & 1 else ()
        into[node] = [source for source in arrows.into[node] if source in here and source not in refused]
        for source in into[node]:
            out[source].append(node)
    return into, components(knot.nodes, out)


def _seeds(into: Rows, part: list[int], upstream: Mapping[int, int], seeds: Mapping[int, int]) -> dict[int, int]:
    here = set(part)
    found = {}
    for node in part:
        together = seeds.get(node, 0)
        for source in into[node]:
            if source not in here:
                together |= upstream[source] | 1 << source
        found[node] = together
    return found

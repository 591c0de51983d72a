"""A graph made ready for the planner: nodes are numbers, sets of nodes are the bits of one integer. Made once per graph version.

The words (back edge, head, loop, waits) are those of docs/how-a-graph-runs.md. `start` counts as one more node, numbered
after the last; it is nobody's target and never in flight.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from domain.graph.definition import END, START, Edge, Graph, Join, JoinKind, Node
from domain.graph.loops import Arrows, Loops, find_loops, reaching
from domain.ids import NodeId, NodeIndex

ANY = Join(JoinKind.ANY)
ALL = Join(JoinKind.ALL)
TERMINATE_JOINS_ANY: Mapping[str, Join] = {"terminate": ANY}


def bits(of: int) -> Iterator[NodeIndex]:
    """The numbers of the set bits, lowest first."""
    while of:
        low = of & -of
        yield NodeIndex(low.bit_length() - 1)
        of ^= low


def has_one(of: int) -> bool:
    """Is exactly one bit set?"""
    return of & (of - 1) == 0 < of


@dataclass(slots=True, eq=False)
class CompiledGraph:
    """Shared by every run of a version; nothing in it changes but `memo`, which remembers waits around spent nodes."""

    graph: Graph
    nodes: tuple[Node, ...]
    index: dict[NodeId, NodeIndex]
    joins: tuple[Join, ...]
    bit: tuple[int, ...]
    edges_of: tuple[tuple[Edge, ...], ...]
    """By source: its ordinary edges, in document order; last those of `start`."""
    error_edges_of: tuple[tuple[Edge, ...], ...]
    sources: tuple[int, ...]
    free: int
    """Nodes that every token runs at once: those with a single source, and `any`."""
    counting: int
    """`count` and `from` nodes."""
    loops: dict[NodeIndex, int]
    """Head -> the bits of its loop, the head among them."""
    around: tuple[int, ...]
    """Per node: the heads of the loops that contain it."""
    preorder: tuple[int, ...]
    waits: dict[NodeIndex, int]
    """For every node that joins: the nodes it waits for while nothing is spent."""
    arrows: Arrows
    inner: dict[NodeIndex, "CompiledGraph"] = field(default_factory=dict)
    memo: dict[tuple[NodeIndex, int], int] = field(default_factory=dict)

    @property
    def start_targets(self) -> tuple[NodeId, ...] | None:
        """Where `start` leads when that is the same in every run; None when an expression decides."""
        edges = self.edges_of[-1]
        if any(edge.target is None or edge.condition is not None for edge in edges):
            return None
        return tuple(dict.fromkeys(edge.target for edge in edges if edge.target is not None))

    def waits_past(self, node: NodeIndex, spent: int) -> int:
        """`waits` of a node when paths through spent nodes do not count, save for the head of a loop that contains them."""
        blocking = spent & ~self.loops.get(node, 0) & ~self.bit[node]
        known = self.waits.get(node)
        if known is not None and not blocking & known:
            return known
        found = self.memo.get((node, blocking))
        if found is None:
            if len(self.memo) > 10_000:
                self.memo.clear()
            found = self.memo[node, blocking] = reaching(self.arrows, node, self.around[node] & ~self.bit[node], blocking)
        return found


def compile_graph(graph: Graph, defaults: Mapping[str, Join] = TERMINATE_JOINS_ANY) -> CompiledGraph:
    """Number the nodes and find the loops and waits. The graph must have passed validation. `defaults`: how nodes of a kind join that do
    not say."""
    nodes = tuple(graph.nodes.values())
    index = {node.id: NodeIndex(number) for number, node in enumerate(nodes)}
    start = len(nodes)
    ordinary: list[list[Edge]] = [[] for _ in range(start + 1)]
    on_error: list[list[Edge]] = [[] for _ in range(start + 1)]
    into: list[dict[int, None]] = [{} for _ in range(start + 1)]
    out_of: list[dict[int, None]] = [{} for _ in range(start + 1)]
    for edge in graph.edges:
        source = start if edge.source == START else index[edge.source]
        (ordinary if edge.on_error is None else on_error)[source].append(edge)
        for target in edge.reaches():
            if target != END:
                out_of[source][index[target]] = None
                into[index[target]][source] = None
    joins = tuple(node.join or defaults.get(node.kind, ALL) for node in nodes)
    arrows = Arrows([list(row) for row in out_of], [list(row) for row in into])
    joining = [
        number for number in range(start) if joins[number].kind in (JoinKind.COUNT, JoinKind.FROM) or _meets(joins[number], into[number])
    ]
    loops = find_loops(arrows, start, joining)
    return CompiledGraph(
        graph=graph,
        nodes=nodes,
        index=index,
        joins=joins,
        bit=tuple(1 << number for number in range(start + 1)),
        edges_of=tuple(map(tuple, ordinary)),
        error_edges_of=tuple(map(tuple, on_error)),
        sources=tuple(len(row) for row in into),
        free=_mask(number for number in range(start) if joins[number].kind is JoinKind.ANY or _is_single(joins[number], into[number])),
        counting=_mask(number for number in range(start) if joins[number].kind in (JoinKind.COUNT, JoinKind.FROM)),
        loops=_numbered(loops),
        around=tuple(loops.around),
        preorder=tuple(loops.preorder),
        waits={NodeIndex(node): found for node, found in loops.waits.items()},
        arrows=arrows,
        inner={index[node.id]: compile_graph(node.graph, defaults) for node in nodes if node.graph is not None},
    )


def _is_single(join: Join, sources: dict[int, None]) -> bool:
    return join.kind is JoinKind.ALL and len(sources) <= 1


def _meets(join: Join, sources: dict[int, None]) -> bool:
    return join.kind is JoinKind.ALL and len(sources) > 1


def _mask(numbers: Iterator[int]) -> int:
    """Bits of ascending numbers; grown bytewise, because or-ing ever longer integers is quadratic."""
    field_of_bits = bytearray()
    for number in numbers:
        while len(field_of_bits) <= number >> 3:
            field_of_bits.append(0)
        field_of_bits[number >> 3] |= 1 << (number & 7)
    return int.from_bytes(field_of_bits, "little")


def _numbered(loops: Loops) -> dict[NodeIndex, int]:
    return {NodeIndex(head): members for head, members in loops.members.items()}

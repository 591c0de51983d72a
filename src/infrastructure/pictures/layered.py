"""The layered drawing (Sugiyama's) of a graph without positions: what comes later stands lower, and few lines cross.

A label is a place of its own in its arrow's way, so that nothing runs through it. An arrow that closes a loop is laid out the other way
round, with a place of its own too: it gets a lane beside what it goes round.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from itertools import pairwise
from typing import Any, Final

from domain.errors import DocumentTooLarge
from domain.graph.definition import Point
from domain.graph.picture import Arrow
from domain.ids import NodeId
from infrastructure.pictures.plan import Plan, Size, around
from infrastructure.pictures.routing import Stop, Way, loop_label, routes

ACROSS: Final = 28.0
"""Least distance of neighbours in a layer."""
DOWN: Final = 30.0
"""Distance of layers."""
MAX_POINTS: Final = 10_000
"""What may stand in all layers together; takes two seconds."""

Key = NodeId | Arrow
"""What stands in a layer: a node, or the middle of an arrow."""


@dataclass(eq=False, slots=True)
class _Vertex:
    """What grandalf wants of a vertex's looks."""

    w: float
    h: float
    xy: tuple[float, float] = (0.0, 0.0)


@dataclass(eq=False, slots=True)
class _Edge:
    path: list[tuple[float, float]] = field(default_factory=list)

    def setpath(self, path: list[tuple[float, float]]) -> None:
        self.path = path


def layered(sizes: Mapping[NodeId, Size], labels: Mapping[Arrow, Size]) -> Plan:
    """`labels`: every arrow to draw, with the room its label needs."""
    layers = _Layers(_with_room_for_loops(sizes, labels), labels)
    layers.lay_out()
    centres = {node: layers.centre(node) for node in sizes}
    ways = [Way(arrow, layers.stops(arrow), _label(arrow, layers, centres, sizes, label)) for arrow, label in labels.items()]
    texts = [(way.label, labels[way.arrow]) for way in ways if way.label]
    lanes = [(stop.at, Size(8, 0)) for way in ways for stop in way.stops]
    boxes = [(centres[node], size) for node, size in sizes.items()]
    return Plan(centres, routes(ways, centres, sizes), *around([*boxes, *texts, *lanes]))


def _with_room_for_loops(sizes: Mapping[NodeId, Size], labels: Mapping[Arrow, Size]) -> dict[NodeId, Size]:
    wide = dict(sizes)
    for arrow, label in labels.items():
        if arrow.source == arrow.target:
            at = Point(0, 0)
            right = loop_label(at, sizes[arrow.source], label).x + label.width / 2
            wide[arrow.source] = Size(max(wide[arrow.source].width, 2 * right), sizes[arrow.source].height)
    return wide


def _label(arrow: Arrow, layers: "_Layers", centres: Mapping[NodeId, Point], sizes: Mapping[NodeId, Size], label: Size) -> Point | None:
    if not arrow.label:
        return None
    source = arrow.source
    return loop_label(centres[source], sizes[source], label) if source == arrow.target else layers.centre(arrow)


class _Layers:
    """grandalf's objects, and ours by the side of them."""

    def __init__(self, sizes: Mapping[NodeId, Size], labels: Mapping[Arrow, Size]) -> None:
        from grandalf.graphs import Edge, Graph, Vertex

        self.vertices: dict[Key, Any] = {}
        self._halves: dict[float, float] = {}
        kept: list[tuple[Key, Size]] = list(sizes.items())
        straight = [arrow for arrow in labels if arrow.source != arrow.target]
        lanes = {arrow: labels[arrow] for arrow in straight if arrow.label or arrow.is_back}
        for key, size in [*kept, *lanes.items()]:
            self.vertices[key] = vertex = Vertex(key)
            vertex.view = _Vertex(size.width, size.height)
        legs = dict.fromkeys(leg for arrow in straight for leg in pairwise(_downwards(arrow, arrow in lanes)))
        _check_room(self.vertices, legs)
        self._edges: dict[tuple[Key, Key], Any] = {leg: Edge(self.vertices[leg[0]], self.vertices[leg[1]]) for leg in legs}
        for edge in self._edges.values():
            edge.view = _Edge()
        self._graph = Graph(list(self.vertices.values()), list(self._edges.values()))

    def lay_out(self) -> None:
        """Parts that hang together nowhere stand side by side."""
        left = 0.0
        for part in self._graph.C:
            drawing = self._part(part)
            views = [self._seen(vertex) for layer in drawing.layers for vertex in layer]
            shift = left - min(view.xy[0] - view.w / 2 for view in views)
            for view in views:
                view.xy = (view.xy[0] + shift, view.xy[1])
            left = max(view.xy[0] + view.w / 2 for view in views) + ACROSS
            drawing.draw_edges()

    def _part(self, part: Any) -> Any:
        from grandalf.layouts import SugiyamaLayout

        drawing = SugiyamaLayout(part)
        drawing.xspace, drawing.yspace = ACROSS, DOWN
        drawing.dw, drawing.dh = 8.0, 4.0
        drawing.init_all(roots=[vertex for vertex in part.V() if not vertex.e_in()], inverted_edges=[])
        drawing.draw(12)
        for layer in drawing.layers:
            _keep_apart([self._seen(vertex) for vertex in layer])
            self._halves[self._seen(layer[0]).xy[1]] = max(self._seen(vertex).h for vertex in layer) / 2
        return drawing

    @staticmethod
    def _seen(vertex: Any) -> _Vertex:
        view: _Vertex = vertex.view
        return view

    def centre(self, key: Key) -> Point:
        return Point(*self._seen(self.vertices[key]).xy)

    def stops(self, arrow: Arrow) -> list[Stop]:
        """Between its two boxes; none for one that leads back to where it starts."""
        legs = list(pairwise(_downwards(arrow, arrow in self.vertices))) if arrow.source != arrow.target else []
        passed = [point for leg in legs for point in (*self._edges[leg].view.path[1:-1], *self._middle(leg[1]))]
        found = [Stop(Point(*point), self._halves.get(point[1], 0.0)) for point in passed]
        return found[::-1] if arrow.is_back else found

    def _middle(self, key: Key) -> Iterable[tuple[float, float]]:
        return [self._seen(self.vertices[key]).xy] if isinstance(key, Arrow) else []


def _check_room(keys: Iterable[Key], legs: Iterable[tuple[Key, Key]]) -> None:
    """Every layer that a line passes is a point to place: a tangle of long lines takes as long as many nodes."""
    above: dict[Key, list[Key]] = {key: [] for key in keys}
    for upper, lower in legs:
        above[lower].append(upper)
    layer: dict[Key, int] = {}
    for key in TopologicalSorter(above).static_order():
        layer[key] = max((layer[upper] + 1 for upper in above[key]), default=0)
    points = len(layer) + sum(layer[lower] - layer[upper] - 1 for lower, uppers in above.items() for upper in uppers)
    if points > MAX_POINTS:
        raise DocumentTooLarge("the graph's edges are too many and too tangled for an SVG: draw it as mermaid or dot")


def _downwards(arrow: Arrow, has_middle: bool) -> list[Key]:
    middle: list[Key] = [arrow] if has_middle else []
    ends: tuple[Key, Key] = (arrow.target, arrow.source) if arrow.is_back else (arrow.source, arrow.target)
    return [ends[0], *middle, ends[1]]


def _keep_apart(layer: Sequence[_Vertex]) -> None:
    """The mean of several layouts may put neighbours upon each other: push them right, then all of them back by half of that."""
    ordered = sorted(layer, key=lambda view: view.xy[0])
    pushed = 0.0
    for left, right in pairwise(ordered):
        least = left.xy[0] + (left.w + right.w) / 2 + ACROSS / 2
        if right.xy[0] < least:
            pushed = max(pushed, least - right.xy[0])
            right.xy = (least, right.xy[1])
    for view in ordered:
        view.xy = (view.xy[0] - pushed / 2, view.xy[1])

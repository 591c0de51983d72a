"""A graph as SVG: no script, no font, no file beside it; the same graph gives the same bytes on every machine."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

from domain.errors import DocumentTooLarge
from domain.graph.definition import END, START, Graph, Point
from domain.graph.notes import NO_NOTES, Notes
from domain.graph.picture import COLOURS, Arrow, Stroke, arrows, caption, places, shortened
from domain.ids import NodeId
from infrastructure.pictures.layered import layered
from infrastructure.pictures.plan import Plan, Route, Size, label_size, number, text_width
from infrastructure.pictures.positioned import is_positioned, positioned
from infrastructure.pictures.style import stylesheet

MAX_NODES: Final = 400
_LONGEST: Final = 44
_DOT: Final = Size(36, 36)
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_HEADER: Final = 44.0
"""Height of what stands above the graph inside a `map`."""
_FRAME: Final = 10.0


def to_svg(graph: Graph, notes: Notes = NO_NOTES) -> str:
    """`DocumentTooLarge` beyond 400 nodes, those of inner graphs counted, and where edges are too tangled."""
    count = _count(graph)
    if count > MAX_NODES:
        message = f"the graph has {count:,} nodes, and an SVG holds at most {MAX_NODES}: draw it as mermaid or dot"
        raise DocumentTooLarge(message)
    sketch = _Sketch.of(graph, notes)
    left, top = number(sketch.plan.corner.x), number(sketch.plan.corner.y)
    width, height = number(sketch.plan.size.width), number(sketch.plan.size.height)
    seen = f'width="{width}" height="{height}" viewBox="{left} {top} {width} {height}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="weft" role="img" {seen}>',
            f"<title>{_text(graph.id)}</title>",
            f"<style>{stylesheet()}</style>",
            f"<defs>{''.join(_head(stroke) for stroke in Stroke)}</defs>",
            f'<rect class="paper" x="{left}" y="{top}" width="{width}" height="{height}" rx="8"/>',
            *sketch.lines(),
            "</svg>\n",
        ]
    )


def _count(graph: Graph) -> int:
    return len(graph.nodes) + sum(_count(node.graph) for node in graph.nodes.values() if node.graph is not None)


def _head(stroke: Stroke) -> str:
    """An arrow's head, as a marker."""
    return (
        f'<marker id="weft-{stroke}" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="8" markerHeight="8" '
        f'markerUnits="userSpaceOnUse" orient="auto"><path class="head {stroke}" d="M0 0.5L8 4L0 7.5z"/></marker>'
    )


@dataclass(frozen=True, slots=True)
class _Sketch:
    """A graph with its plan, and those of the graphs inside it."""

    graph: Graph
    notes: Notes
    sizes: Mapping[NodeId, Size]
    plan: Plan
    inner: Mapping[NodeId, "_Sketch"]

    @classmethod
    def of(cls, graph: Graph, notes: Notes) -> "_Sketch":
        drawn = arrows(graph, notes)
        inner = {name: cls.of(node.graph, notes.within(name)) for name, node in graph.nodes.items() if node.graph is not None}
        sizes = {place: _size(graph, notes, place, inner) for place in places(graph, drawn)}
        labels = {arrow: label_size(arrow, shortened(arrow.label, _LONGEST)) for arrow in drawn}
        plan = positioned(graph, sizes, labels) if is_positioned(graph) else layered(sizes, labels)
        return cls(graph, notes, sizes, plan, inner)

    def lines(self) -> Iterator[str]:
        """Arrows below boxes, labels above both."""
        yield from map(_line, self.plan.routes)
        for place, size in self.sizes.items():
            yield from self._place(place, self.plan.centres[place], size)
        yield from (_label(route.arrow, route.label) for route in self.plan.routes if route.label)

    def _place(self, place: NodeId, at: Point, size: Size) -> Iterator[str]:
        if place in (START, END):
            yield from _circle(place, at)
            return
        yield f"<g>{self._tooltip(place)}"
        if self.graph.nodes.get(place) is not None and self.graph.nodes[place].kind == "map":
            yield _rect("box k-map", Point(at.x + 4, at.y + 4), size)
        yield _rect(f"box k-{self._colour(place)}", at, size)
        yield from self._words(place, at, size)
        if place in self.inner:
            yield from self._inside(self.inner[place], at, size)
        yield "</g>"

    def _colour(self, place: NodeId) -> str:
        node = self.graph.nodes.get(place)
        return node.kind if node is not None and node.kind in COLOURS else "other"

    def _tooltip(self, place: NodeId) -> str:
        node = self.graph.nodes.get(place)
        said = [place, *([caption(node, self.notes), node.description] if node else ["no such node"])]
        return f"<title>{_text(' — '.join(filter(None, said)))}</title>"

    def _words(self, place: NodeId, at: Point, size: Size) -> Iterator[str]:
        node = self.graph.nodes.get(place)
        top = at.y - size.height / 2
        yield _words("id", at.x, top + 19, shortened(place, _LONGEST))
        yield _words("told", at.x, top + 35, shortened(caption(node, self.notes), _LONGEST) if node else "no such node")

    def _inside(self, sketch: "_Sketch", at: Point, size: Size) -> Iterator[str]:
        plan = sketch.plan
        top = at.y - size.height / 2 + _HEADER
        yield _rect("box inner", Point(at.x, top + plan.size.height / 2), plan.size)
        yield f'<g transform="translate({number(at.x - plan.size.width / 2 - plan.corner.x)} {number(top - plan.corner.y)})">'
        yield from sketch.lines()
        yield "</g>"


def _size(graph: Graph, notes: Notes, place: NodeId, inner: Mapping[NodeId, _Sketch]) -> Size:
    if place in (START, END):
        return _DOT
    node = graph.nodes.get(place)
    told = shortened(caption(node, notes), _LONGEST) if node else "no such node"
    width = max(96.0, text_width(shortened(place, _LONGEST), 13.5) + 28, text_width(told, 11) + 28)
    if place not in inner:
        return Size(width, 46.0)
    held = inner[place].plan.size
    return Size(max(width, held.width + 2 * _FRAME), _HEADER + held.height + _FRAME)


def _rect(classes: str, at: Point, size: Size) -> str:
    x, y = number(at.x - size.width / 2), number(at.y - size.height / 2)
    return f'<rect class="{classes}" x="{x}" y="{y}" width="{number(size.width)}" height="{number(size.height)}" rx="8"/>'


def _circle(place: NodeId, at: Point) -> Iterator[str]:
    x, y = number(at.x), number(at.y)
    yield f'<circle class="dot" cx="{x}" cy="{y}" r="{number(_DOT.width / 2)}"/>'
    yield _words("word", at.x, at.y + 3.5, place)


def _line(route: Route) -> str:
    stroke = route.arrow.stroke
    return f'<path class="line {stroke}" d="{route.path}" marker-end="url(#weft-{stroke})"><title>{_told(route.arrow)}</title></path>'


def _label(arrow: Arrow, at: Point) -> str:
    words = _text(shortened(arrow.label, _LONGEST))
    return f'<text class="label {arrow.stroke}" x="{number(at.x)}" y="{number(at.y + 4)}">{words}<title>{_told(arrow)}</title></text>'


def _told(arrow: Arrow) -> str:
    return _text(" ".join(filter(None, [f"{arrow.source} → {arrow.target}", arrow.label])))


def _words(style: str, x: float, y: float, words: str) -> str:
    return f'<text class="{style}" x="{number(x)}" y="{number(y)}">{_text(words)}</text>'


def _text(text: str) -> str:
    """Safe between tags; what XML cannot hold at all becomes the sign for that."""
    return escape(_NOT_XML.sub("�", text))

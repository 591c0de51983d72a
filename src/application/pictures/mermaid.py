"""A graph as a Mermaid flowchart. Names of our own stand for ids, since `end` and other words mean something to Mermaid."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from domain.graph.definition import END, START, Graph
from domain.graph.notes import NO_NOTES, Notes
from domain.graph.picture import COLOURS, ERROR_INK, OTHER, Arrow, Stroke, arrows, caption, places, shortened
from domain.ids import NodeId

_LONGEST: Final = 48
_PLAIN: Final = re.compile(r"[^\w .,:=+*/()\[\]'!?%$@…·-]|_{2,}")
"""What labels may not hold as it is."""


def to_mermaid(graph: Graph, notes: Notes = NO_NOTES) -> str:
    chart = _Chart()
    chart.add(graph, "", notes)
    classes = [
        f"    classDef {kind} fill:{paper},stroke:{ink},color:#0f172a" for kind, (paper, ink) in [*COLOURS.items(), ("other", OTHER)]
    ]
    links = [f"    linkStyle {','.join(map(str, chart.errors))} stroke:{ERROR_INK}"] if chart.errors else []
    return "\n".join(["flowchart TD", *chart.boxes, *chart.links, *classes, *links]) + "\n"


@dataclass(slots=True)
class _Chart:
    boxes: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    errors: list[int] = field(default_factory=list)
    """Numbers of the links that errors take."""

    def add(self, graph: Graph, scope: str, notes: Notes) -> None:
        drawn = arrows(graph, notes)
        names = _names(places(graph, drawn), scope)
        for node, name in names.items():
            self._box(graph, node, name, notes)
        for arrow in drawn:
            if arrow.stroke is Stroke.ERROR:
                self.errors.append(len(self.links))
            self.links.append(f"    {names[arrow.source]} {_line(arrow)} {names[arrow.target]}")

    def _box(self, graph: Graph, place: NodeId, name: str, notes: Notes) -> None:
        node = graph.nodes.get(place)
        if node is None:
            self.boxes.append(f'    {name}(("{_text(place)}"))' if place in (START, END) else f'    {name}["{_text(place)}"]:::other')
            return
        kind = node.kind if node.kind in COLOURS else "other"
        label = f"{_text(place)}<br/>{_text(caption(node, notes))}"
        if node.graph is None:
            self.boxes.append(f'    {name}("{label}"):::{kind}')
            return
        self.boxes.append(f'    subgraph {name} ["{label}"]')
        self.add(node.graph, f"{name}_", notes.within(place))
        self.boxes += ["    end", f"    class {name} {kind}"]


def _names(nodes: Sequence[NodeId], scope: str) -> dict[NodeId, str]:
    def named() -> Iterator[tuple[NodeId, str]]:
        for number, node in enumerate(nodes):
            yield node, f"{scope}{node}_" if node in (START, END) else f"{scope}n{number}"

    return dict(named())


def _line(arrow: Arrow) -> str:
    shaft = {Stroke.ERROR: "-.->", Stroke.ALWAYS: "-->", Stroke.CONDITION: "-->", Stroke.ROUTE: "==>"}[arrow.stroke]
    return f'{shaft}|"{_text(arrow.label)}"|' if arrow.label else shaft


def _text(text: str) -> str:
    """Entities by number, in Mermaid's own way of writing them."""
    return _PLAIN.sub(lambda found: "".join(f"#{ord(character)};" for character in found[0]), shortened(text, _LONGEST))

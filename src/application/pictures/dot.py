"""A graph in DOT, for Graphviz. The graph inside a `map` is a cluster that arrows lead to and from as a whole."""

from dataclasses import dataclass
from typing import Final

from domain.graph.definition import END, START, Graph
from domain.graph.notes import NO_NOTES, Notes
from domain.graph.picture import ERROR_INK, Arrow, Stroke, arrows, caption, colours, places, shortened
from domain.ids import NodeId

_LONGEST: Final = 48


def to_dot(graph: Graph, notes: Notes = NO_NOTES) -> str:
    head = [
        f"digraph {_quoted(graph.id)} {{",
        '    graph [rankdir=TB, compound=true, fontname="sans-serif"]',
        '    node [shape=box, style="rounded,filled", fontname="sans-serif", fontsize=12]',
        '    edge [fontname="sans-serif", fontsize=10, color="#475569"]',
    ]
    return "\n".join([*head, *_statements(graph, notes, "    "), "}"]) + "\n"


@dataclass(frozen=True, slots=True)
class _Tie:
    """What arrows to and from a place are tied to: itself, or what is first and last in its cluster."""

    head: str
    tail: str
    cluster: str = ""


def _statements(graph: Graph, notes: Notes, indent: str) -> list[str]:
    drawn, scope = arrows(graph, notes), notes.scope
    boxes = places(graph, drawn)
    ties = {place: _tie(graph, place, scope) for place in boxes}
    lines = [line for place in boxes for line in _box(graph, place, notes, indent)]
    return [*lines, *(f"{indent}{_line(arrow, ties[arrow.source], ties[arrow.target])}" for arrow in drawn)]


def _box(graph: Graph, place: NodeId, notes: Notes, indent: str) -> list[str]:
    scope = notes.scope
    node = graph.nodes.get(place)
    if place in (START, END):
        return [f'{indent}{_quoted(scope + place)} [label={_quoted(place)}, shape=circle, fillcolor="#e2e8f0", fontsize=9]']
    if node is None:
        return [f"{indent}{_quoted(scope + place)} [label={_quoted(place)}, style=dashed]"]
    paper, ink = colours(node.kind)
    label = _quoted(place, shortened(caption(node, notes), _LONGEST))
    if node.graph is None:
        return [f'{indent}{_quoted(scope + place)} [label={label}, fillcolor="{paper}", color="{ink}"]']
    inside = f"{indent}    "
    return [
        f"{indent}subgraph {_quoted(_cluster(scope, place))} {{",
        f'{inside}label={label}; style="rounded,filled"; fillcolor="{paper}"; color="{ink}"',
        *_statements(node.graph, notes.within(place), inside),
        f"{indent}}}",
    ]


def _line(arrow: Arrow, source: _Tie, target: _Tie) -> str:
    marks = {
        "label": _quoted(shortened(arrow.label, _LONGEST)) if arrow.label else "",
        "ltail": _quoted(source.cluster) if source.cluster else "",
        "lhead": _quoted(target.cluster) if target.cluster else "",
        "style": "dashed" if arrow.stroke is Stroke.ERROR else "",
        "color": f'"{ERROR_INK}"' if arrow.stroke is Stroke.ERROR else "",
    }
    said = ", ".join(f"{key}={value}" for key, value in marks.items() if value)
    return f"{_quoted(source.tail)} -> {_quoted(target.head)}{f' [{said}]' if said else ''}"


def _tie(graph: Graph, place: NodeId, scope: str) -> _Tie:
    node = graph.nodes.get(place)
    if node is None or node.graph is None:
        return _Tie(scope + place, scope + place)
    within = f"{scope}{place}/"
    inner = places(node.graph, arrows(node.graph))
    first, last = _tie(node.graph, inner[0], within), _tie(node.graph, inner[-1], within)
    return _Tie(first.head, last.tail, _cluster(scope, place))


def _cluster(scope: str, place: NodeId) -> str:
    return f"cluster_{scope}{place}"


def _quoted(*lines: str) -> str:
    escaped = (" ".join(line.split("\n")).replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return '"' + "\\n".join(escaped) + '"'

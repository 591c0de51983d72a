"""A graph in DOT, for Graphviz. The graph inside a `map` is a cluster that arrows lead to and from as a whole."""

from typing import Final

from domain.graph.definition import END, START, Graph
from domain.graph.picture import ERROR_INK, Arrow, Stroke, arrows, caption, colours, places, shortened
from domain.ids import NodeId

_LONGEST: Final = 48


def to_dot(graph: Graph) -> str:
    head = [
        f"digraph {_quoted(graph.id)} {{",
        '    graph [rankdir=TB, compound=true, fontname="sans-serif"]',
        '    node [shape=box, style="rounded,filled", fontname="sans-serif", fontsize=12]',
        '    edge [fontname="sans-serif", fontsize=10, color="#475569"]',
    ]
    return "\n".join([*head, *_statements(graph, "", "    "), "}"]) + "\n"


def _statements(graph: Graph, scope: str, indent: str) -> list[str]:
    drawn = arrows(graph)
    boxes = [line for place in places(graph, drawn) for line in _box(graph, place, scope, indent)]
    return [*boxes, *(f"{indent}{_line(graph, arrow, scope)}" for arrow in drawn)]


def _box(graph: Graph, place: NodeId, scope: str, indent: str) -> list[str]:
    node = graph.nodes.get(place)
    if place in (START, END):
        return [f'{indent}{_quoted(scope + place)} [label={_quoted(place)}, shape=circle, fillcolor="#e2e8f0", fontsize=9]']
    if node is None:
        return [f"{indent}{_quoted(scope + place)} [label={_quoted(place)}, style=dashed]"]
    paper, ink = colours(node.kind)
    label = _quoted(place, shortened(caption(node), _LONGEST))
    if node.graph is None:
        return [f'{indent}{_quoted(scope + place)} [label={label}, fillcolor="{paper}", color="{ink}"]']
    inside = f"{indent}    "
    return [
        f"{indent}subgraph {_quoted(_cluster(scope, place))} {{",
        f'{inside}label={label}; style="rounded,filled"; fillcolor="{paper}"; color="{ink}"',
        *_statements(node.graph, f"{scope}{place}/", inside),
        f"{indent}}}",
    ]


def _line(graph: Graph, arrow: Arrow, scope: str) -> str:
    tail, head = _port(graph, arrow.source, scope, first=False), _port(graph, arrow.target, scope, first=True)
    marks = {
        "label": _quoted(shortened(arrow.label, _LONGEST)) if arrow.label else "",
        "ltail": _quoted(_cluster(scope, arrow.source)) if _is_nested(graph, arrow.source) else "",
        "lhead": _quoted(_cluster(scope, arrow.target)) if _is_nested(graph, arrow.target) else "",
        "style": "dashed" if arrow.stroke is Stroke.ERROR else "",
        "color": f'"{ERROR_INK}"' if arrow.stroke is Stroke.ERROR else "",
    }
    said = ", ".join(f"{key}={value}" for key, value in marks.items() if value)
    return f"{_quoted(tail)} -> {_quoted(head)}{f' [{said}]' if said else ''}"


def _port(graph: Graph, place: NodeId, scope: str, *, first: bool) -> str:
    """What an arrow is tied to: the box itself, or what is first or last in a cluster."""
    node = graph.nodes.get(place)
    if node is None or node.graph is None:
        return scope + place
    inner = places(node.graph, arrows(node.graph))
    return _port(node.graph, inner[0 if first else -1], f"{scope}{place}/", first=first)


def _is_nested(graph: Graph, place: NodeId) -> bool:
    return place in graph.nodes and graph.nodes[place].graph is not None


def _cluster(scope: str, place: NodeId) -> str:
    return f"cluster_{scope}{place}"


def _quoted(*lines: str) -> str:
    escaped = (" ".join(line.split("\n")).replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return '"' + "\\n".join(escaped) + '"'

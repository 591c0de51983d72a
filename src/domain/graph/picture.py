"""What a picture of a graph shows, whatever draws it: a box for each node, an arrow for each way that a token may go."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from domain.graph.definition import END, START, Edge, Graph, JoinKind, Node
from domain.graph.notes import NO_NOTES, Notes
from domain.ids import NodeId

COLOURS: Final = {
    "agent": ("#ffedd5", "#ea580c"),
    "llm": ("#dbeafe", "#2563eb"),
    "tool": ("#dcfce7", "#16a34a"),
    "transform": ("#f1f5f9", "#64748b"),
    "map": ("#ede9fe", "#7c3aed"),
    "workflow": ("#cffafe", "#0891b2"),
    "wait": ("#fef3c7", "#d97706"),
    "terminate": ("#fee2e2", "#dc2626"),
}
"""Kind -> paper and ink, for a light background."""
OTHER: Final = ("#fce7f3", "#db2777")
"""Of kinds that are not ours."""
ERROR_INK: Final = "#dc2626"
_TOLD: Final = {"agent": "model", "llm": "model", "tool": "tool", "workflow": "workflow", "terminate": "status"}
"""Kind -> the key that says most about such a node."""


class Stroke(StrEnum):
    ALWAYS = "always"
    CONDITION = "condition"
    ROUTE = "route"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Arrow:
    """`label` is whole, however long. `is_back`: it closes a loop."""

    source: NodeId
    target: NodeId
    stroke: Stroke
    label: str = ""
    is_back: bool = False


def arrows(graph: Graph, notes: Notes = NO_NOTES) -> tuple[Arrow, ...]:
    """In the order of the edges; of two that look alike only the first."""
    undone = [Arrow(node.id, node.compensate, Stroke.ERROR, "undone by") for node in graph.nodes.values() if node.compensate is not None]
    found = tuple(dict.fromkeys([*(arrow for edge in graph.edges for arrow in _arrows_of(edge)), *undone]))
    back = _back([(arrow.source, arrow.target) for arrow in found])
    return tuple(replace(arrow, label=_noted(arrow, notes), is_back=(arrow.source, arrow.target) in back) for arrow in found)


def _noted(arrow: Arrow, notes: Notes) -> str:
    """The note first: a long label is cut."""
    return " · ".join(filter(None, (notes.on_arrow(arrow.source, arrow.target), arrow.label)))


def places(graph: Graph, drawn: Sequence[Arrow]) -> tuple[NodeId, ...]:
    """All that is drawn: `start`, the nodes as written, names that only edges know, and `end` when something leads there."""
    named = [node for arrow in drawn for node in (arrow.source, arrow.target)]
    inner = dict.fromkeys([*graph.nodes, *named])
    ending = [END] if END in inner else []
    return (START, *(node for node in inner if node not in (START, END)), *ending)


def caption(node: Node, notes: Notes = NO_NOTES) -> str:
    """The second line of a box: what is noted of it, its kind and what it does, how it joins where it says so."""
    told = _told(node)
    join = _join(node)
    return " · ".join(part for part in (notes.on_box(node.id), node.kind, told, join) if part)


def colours(kind: str) -> tuple[str, str]:
    return COLOURS.get(kind, OTHER)


def shortened(text: str, most: int) -> str:
    """On one line of at most so many characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def _arrows_of(edge: Edge) -> Iterator[Arrow]:
    if edge.on_error is not None:
        label = f"error: {', '.join(edge.on_error)}" if edge.on_error else "error"
        yield from (Arrow(edge.source, target, Stroke.ERROR, label) for target in edge.reaches())
        return
    if edge.target is not None:
        stroke = Stroke.ALWAYS if edge.condition is None else Stroke.CONDITION
        yield Arrow(edge.source, edge.target, stroke, edge.condition or "")
    for route in edge.routes:
        yield Arrow(edge.source, route.target, Stroke.ROUTE, route.when)
    if edge.otherwise is not None:
        yield Arrow(edge.source, edge.otherwise, Stroke.ROUTE, "otherwise")
    for target in edge.targets:
        yield Arrow(edge.source, target, Stroke.ROUTE, edge.choose or "")


def _told(node: Node) -> str:
    if node.kind == "map":
        over, runs = node.config.get("over"), node.config.get("workflow")
        each = f"each of {over.removeprefix('${').removesuffix('}')}" if isinstance(over, str) else ""
        return f"{each} runs {runs}".strip() if isinstance(runs, str) and runs else each
    if node.kind == "wait":
        return f"{node.config.get('seconds', '')} s".removeprefix(" s")
    value = node.config.get(_TOLD.get(node.kind, ""))
    return value if isinstance(value, str) else ""


def _join(node: Node) -> str:
    if node.join is None or node.join.kind is JoinKind.ALL:
        return ""
    match node.join.kind:
        case JoinKind.ANY:
            return "joins any"
        case JoinKind.COUNT:
            return f"joins {node.join.count}"
        case _:
            return f"joins {', '.join(node.join.sources)}"


def _back(pairs: Sequence[tuple[NodeId, NodeId]]) -> set[tuple[NodeId, NodeId]]:
    """Those that lead to a node which a depth-first search from `start` is still inside of."""
    out: dict[NodeId, list[NodeId]] = {START: []}
    for source, target in pairs:
        out.setdefault(source, []).append(target)
        out.setdefault(target, [])
    seen: set[NodeId] = set()
    return {pair for root in out if root not in seen for pair in _back_from(root, out, seen)}


def _back_from(root: NodeId, out: dict[NodeId, list[NodeId]], seen: set[NodeId]) -> Iterator[tuple[NodeId, NodeId]]:
    path = [(root, iter(out[root]))]
    inside = {root}
    seen.add(root)
    while path:
        node, rest = path[-1]
        target = next(rest, None)
        if target is None:
            inside.discard(node)
            path.pop()
        elif target in inside:
            yield node, target
        elif target not in seen:
            seen.add(target)
            inside.add(target)
            path.append((target, iter(out[target])))

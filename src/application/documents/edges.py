"""Edges as they are written. Whether a target exists, or a condition is where its type wants one, is the graph's own question."""

from collections.abc import Sequence

from application.documents.bounds import MAX_EXPRESSION
from application.documents.reading import Part
from application.documents.words import EDGE, ROUTE
from domain.graph.definition import Edge, EdgeType, Route, Take
from domain.ids import NodeId

_APART = (
    ("route", ("to", "when", "targets", "on_error")),
    ("on_error", ("when", "targets", "otherwise", "take")),
    ("targets", ("when", "otherwise", "take")),
    ("when", ("otherwise", "take")),
    ("to", ("otherwise", "take")),
)
"""What may not stand beside what."""


def read_edges(parts: Sequence[Part]) -> tuple[Edge, ...]:
    """Edges that do not even say where they come from are noted and left out."""
    found = (read_edge(number, part) for number, part in enumerate(parts))
    return tuple(edge for edge in found if edge is not None)


def read_edge(number: int, part: Part) -> Edge | None:
    part.only(EDGE)
    part.need("from", *(() if part.has("route") else ("to",)))
    _keep_apart(part)
    source, to, condition = part.maybe_text("from"), part.maybe_text("to"), _condition(part, "when")
    if source is None:
        return None
    chooses = to is not None and (to.startswith("${") or part.has("targets"))
    routes = tuple(route for item in part.parts("route") if (route := _route(item)) is not None)
    return Edge(
        id=part.text("id", f"e{number}"),
        source=NodeId(source),
        edge_type=part.choice("edge_type", EdgeType, _type_of(part, chooses=chooses)),
        target=NodeId(to) if to is not None and not chooses else None,
        condition=condition,
        routes=routes,
        otherwise=_node(part, "otherwise"),
        take=part.choice("take", Take, Take.FIRST),
        choose=_condition(part, "to") if chooses else None,
        targets=tuple(map(NodeId, part.texts("targets"))),
        on_error=_on_error(part),
    )


def _type_of(part: Part, *, chooses: bool) -> EdgeType:
    if chooses or part.has("route"):
        return EdgeType.FLEXIBLE_CONDITIONAL
    return EdgeType.CONDITIONAL if part.has("when") else EdgeType.SIMPLE


def _keep_apart(part: Part) -> None:
    for key, apart in _APART:
        if part.has(key):
            for other in filter(part.has, apart):
                part.note(other, "conflicting_field", f"an edge with `{key}` has no `{other}`; write two edges, or a `route`")
            return


def _route(part: Part) -> Route | None:
    part.only(ROUTE)
    part.need("when", "to")
    when, target = _condition(part, "when"), _node(part, "to")
    return Route(when, target) if when is not None and target is not None else None


def _node(part: Part, member: str) -> NodeId | None:
    written = part.maybe_text(member)
    return None if written is None else NodeId(written)


def _condition(part: Part, member: str) -> str | None:
    written = part.maybe_text(member)
    if written is not None and len(written.encode()) > MAX_EXPRESSION:
        part.note(member, "too_long", f"an expression may be {MAX_EXPRESSION} bytes long, and this is {len(written.encode())}")
        return None
    return written


def _on_error(part: Part) -> tuple[str, ...] | None:
    written = part.fields.get("on_error")
    if written is True:
        return ()
    if isinstance(written, list) and written:
        return part.texts("on_error")
    if part.has("on_error"):
        part.note("on_error", "wrong_type", "`on_error` must be true or a list of error codes")
    return None

"""Nodes as they are written."""

from collections.abc import Callable
from typing import Final

from application.documents.reading import Part, kind_of
from application.documents.words import COMMON, JOIN_COUNT, JOIN_FROM, LATER_ON_NODES, NODE_ID, POINT, RETRY
from domain.graph.definition import Graph, Join, JoinKind, Node, OnStarved, Point, RetryRule
from domain.ids import NodeId

ReadInner = Callable[[Part], Graph]
_SIMPLE_JOINS: Final = {"all": Join(JoinKind.ALL), "any": Join(JoinKind.ANY)}
_NO_RETRY: Final = RetryRule()


def read_node(name: str, part: Part, read_inner: ReadInner) -> Node:
    """A node, with `read_inner` for the graph inside a `map`."""
    if NODE_ID.fullmatch(name) is None:
        part.note(None, "bad_name", "a node's id is made of letters, digits, `_`, `-` and `.`, and does not begin with `-` or `.`")
    part.need("kind")
    kind = part.text("kind")
    own = COMMON - {"concurrency"} if kind == "map" else COMMON
    for later in LATER_ON_NODES & part.fields.keys():
        part.note(later, "not_available", f"`{later}` is not available in this version of Weft; leave it out")
    timeout = part.seconds("timeout_seconds", 0.0, above=0.0) if part.has("timeout_seconds") else None
    return Node(
        id=NodeId(name),
        kind=kind,
        config={key: value for key, value in part.fields.items() if key not in own and key not in LATER_ON_NODES},
        writes=part.members("writes"),
        join=_join(part) if part.has("join") else None,
        retry=_retry(part.part("retry")) if part.has("retry") else _NO_RETRY,
        timeout_seconds=timeout or None,
        concurrency=part.whole("concurrency", 1) if "concurrency" in own else 1,
        description=part.text("description"),
        position=_point(part.part("position")) if part.has("position") else None,
        graph=read_inner(part.part("graph")) if kind == "map" and part.has("graph") else None,
        compensate=NodeId(part.text("compensate")) if part.has("compensate") else None,
    )


def _join(part: Part) -> Join | None:
    written = part.fields["join"]
    if isinstance(written, str) and written in _SIMPLE_JOINS:
        return _SIMPLE_JOINS[written]
    if isinstance(written, dict) and "count" in written:
        return _join_count(part.part("join"))
    if isinstance(written, dict) and "from" in written:
        return _join_from(part.part("join"))
    part.note("join", "wrong_type", f"`join` must be all, any, {{count: k}} or {{from: [nodes]}}, not {kind_of(written)}")
    return None


def _join_count(part: Part) -> Join:
    part.only(JOIN_COUNT)
    starved = part.choice("on_starved", OnStarved, OnStarved.FAIL)
    return Join(JoinKind.COUNT, count=part.whole("count", 1), cancel_rest=part.flag("cancel_rest"), on_starved=starved)


def _join_from(part: Part) -> Join:
    part.only(JOIN_FROM)
    named = part.texts("from")
    if not named or len(set(named)) < len(named):
        part.note("from", "bad_join", "`from` names at least one node, and each once")
    return Join(JoinKind.FROM, sources=tuple(map(NodeId, named)), on_starved=part.choice("on_starved", OnStarved, OnStarved.FAIL))


def _retry(part: Part) -> RetryRule:
    part.only(RETRY)
    return RetryRule(
        attempts=part.whole("attempts", _NO_RETRY.attempts),
        first_seconds=part.seconds("first_seconds", _NO_RETRY.first_seconds),
        factor=part.seconds("factor", _NO_RETRY.factor, above=0.0),
        max_seconds=part.seconds("max_seconds", _NO_RETRY.max_seconds),
        codes=part.texts("codes"),
    )


def _point(part: Part) -> Point:
    part.only(POINT)
    part.need("x", "y")
    return Point(_coordinate(part, "x"), _coordinate(part, "y"))


def _coordinate(part: Part, axis: str) -> float:
    written = part.fields.get(axis, 0)
    if isinstance(written, int | float) and not isinstance(written, bool):
        return float(written)
    part.note(axis, "wrong_type", f"`{axis}` must be a number, not {kind_of(written)}")
    return 0.0

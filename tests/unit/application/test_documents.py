"""The one codec between documents and graphs, and the name of their content."""

import copy
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.documents import dump_graph, editor_schema, parse_graph, pointer_to, read_graph
from domain.errors import ValidationError
from domain.graph.definition import (
    Channel,
    Edge,
    EdgeType,
    Graph,
    Join,
    JoinKind,
    Limits,
    Merge,
    Node,
    OnStarved,
    Point,
    RetryRule,
    Route,
    Take,
)
from domain.ids import NodeId
from infrastructure.canonical import content_hash
from infrastructure.schemas import JsonSchemas
from tests.documents import TRIAGE, Document, OurKinds, document

Change = Callable[[Document], object]


def problems_of(written: Any) -> set[tuple[str, str]]:
    return {(problem.pointer, problem.code) for problem in read_graph(written)[1]}


def changed(change: Change) -> Document:
    written = copy.deepcopy(TRIAGE)
    change(written)
    return written


def at(path: str, value: Any) -> Change:
    """Set what a pointer names."""

    def change(written: Any) -> None:
        *steps, last = path.split("/")[1:]
        for step in steps:
            written = written[int(step)] if isinstance(written, list) else written[step]
        written[int(last) if isinstance(written, list) else last] = value

    return change


def without(path: str) -> Change:
    def change(written: Any) -> None:
        *steps, last = path.split("/")[1:]
        for step in steps:
            written = written[int(step)] if isinstance(written, list) else written[step]
        del written[last]

    return change


def nested(deep: int) -> Any:
    value: Any = 1
    for _ in range(deep):
        value = [value]
    return value


WRONG = [
    pytest.param(without("/weft"), {("", "missing_field")}, id="weft is needed"),
    pytest.param(at("/weft", 2), {("/weft", "unknown_format")}, id="weft is 1"),
    pytest.param(at("/weft", True), {("/weft", "unknown_format")}, id="true is not 1"),
    pytest.param(without("/name"), {("", "missing_field")}, id="a name is needed"),
    pytest.param(at("/name", "a/b"), {("/name", "bad_name")}, id="a name goes into an address"),
    pytest.param(at("/permissions", "lookup"), {("/permissions", "wrong_type")}, id="permissions that are no list"),
    pytest.param(at("/permissions", None), {("/permissions", "wrong_type")}, id="permissions with nothing behind them"),
    pytest.param(
        at("/permissions", ["lookup", "", "*", "a b", "a*b"]),
        {(f"/permissions/{number}", "bad_name") for number in range(1, 5)},
        id="permissions that name no tool",
    ),
    pytest.param(at("/permissions", ["a"] * 1_001), {("/permissions", "too_long")}, id="too many permissions"),
    pytest.param(at("/name", "self"), {("/name", "bad_name")}, id="self is the workflow itself"),
    pytest.param(at("/version", "1.2"), {("/version", "bad_version")}, id="versions are semantic"),
    pytest.param(at("/version", 1), {("/version", "wrong_type")}, id="a version is text"),
    pytest.param(at("/tags", "x"), {("/tags", "wrong_type")}, id="tags are a list"),
    pytest.param(at("/nodes", []), {("/nodes", "wrong_type")}, id="nodes are an object"),
    pytest.param(at("/edges", {}), {("/edges", "wrong_type")}, id="edges are a list"),
    pytest.param(at("/colour", "red"), {("/colour", "unknown_field")}, id="unknown fields at the top"),
    pytest.param(at("/nodes/answer", 5), {("/nodes/answer", "wrong_type"), ("/nodes/answer", "missing_field")}, id="a node is an object"),
    pytest.param(without("/nodes/answer/kind"), {("/nodes/answer", "missing_field")}, id="a node has a kind"),
    pytest.param(at("/nodes/answer/kind", 5), {("/nodes/answer/kind", "wrong_type")}, id="a kind is text"),
    pytest.param(at("/nodes/a b", {"kind": "wait"}), {("/nodes/a b", "bad_name")}, id="a node's id has no blanks"),
    pytest.param(at("/nodes/a#1", {"kind": "wait"}), {("/nodes/a#1", "bad_name")}, id="nor what paths of activations use"),
    pytest.param(at("/nodes/answer/cancels", ["each"]), {("/nodes/answer/cancels", "not_available")}, id="cancels is reserved"),
    pytest.param(at("/nodes/answer/mutex", "m"), {("/nodes/answer/mutex", "not_available")}, id="mutex is reserved"),
    pytest.param(at("/nodes/answer/enabled_while", "true"), {("/nodes/answer/enabled_while", "not_available")}, id="so is enabled_while"),
    pytest.param(at("/nodes/answer/keep", 1), {("/nodes/answer/keep", "not_available")}, id="and keep"),
    pytest.param(at("/nodes/answer/compensate", 1), {("/nodes/answer/compensate", "wrong_type")}, id="a compensation is the id of a node"),
    pytest.param(at("/nodes/answer/join", "some"), {("/nodes/answer/join", "wrong_type")}, id="joins have names"),
    pytest.param(at("/nodes/answer/join", {"count": 0}), {("/nodes/answer/join/count", "wrong_type")}, id="a count is at least one"),
    pytest.param(at("/nodes/answer/join", {"from": []}), {("/nodes/answer/join/from", "bad_join")}, id="from names somebody"),
    pytest.param(at("/nodes/answer/join", {"from": ["a", "a"]}), {("/nodes/answer/join/from", "bad_join")}, id="and each once"),
    pytest.param(
        at("/nodes/answer/join", {"from": ["a"], "cancel_rest": True}),
        {("/nodes/answer/join/cancel_rest", "unknown_field")},
        id="only a count cancels the rest",
    ),
    pytest.param(at("/nodes/look_up/retry/attempts", 0), {("/nodes/look_up/retry/attempts", "wrong_type")}, id="one attempt at least"),
    pytest.param(at("/nodes/look_up/retry/jitter", 1), {("/nodes/look_up/retry/jitter", "unknown_field")}, id="unknown fields of a retry"),
    pytest.param(at("/nodes/look_up/timeout_seconds", 0), {("/nodes/look_up/timeout_seconds", "wrong_type")}, id="a timeout takes time"),
    pytest.param(at("/nodes/look_up/timeout_seconds", True), {("/nodes/look_up/timeout_seconds", "wrong_type")}, id="true is no number"),
    pytest.param(at("/nodes/look_up/concurrency", 0), {("/nodes/look_up/concurrency", "wrong_type")}, id="concurrency is at least one"),
    pytest.param(at("/nodes/look_up/writes", "x"), {("/nodes/look_up/writes", "wrong_type")}, id="writes are an object"),
    pytest.param(
        at("/nodes/look_up/position", {"x": "1"}),
        {
            ("/nodes/look_up/position", "missing_field"),
            ("/nodes/look_up/position/x", "wrong_type"),
        },
        id="a position has two numbers",
    ),
    pytest.param(
        at("/nodes/each/graph/nodes/one/cancels", []),
        {("/nodes/each/graph/nodes/one/cancels", "not_available")},
        id="inner nodes too",
    ),
    pytest.param(at("/nodes/each/graph/weft", 1), {("/nodes/each/graph/weft", "unknown_field")}, id="an inner graph is no document"),
    pytest.param(without("/nodes/each/graph/edges"), {("/nodes/each/graph", "missing_field")}, id="but has edges"),
    pytest.param(at("/edges/0", "start -> a"), {("/edges/0", "wrong_type"), ("/edges/0", "missing_field")}, id="an edge is an object"),
    pytest.param(without("/edges/0/from"), {("/edges/0", "missing_field")}, id="an edge comes from somewhere"),
    pytest.param(without("/edges/0/to"), {("/edges/0", "missing_field")}, id="and leads somewhere"),
    pytest.param(at("/edges/0/If", "x"), {("/edges/0/If", "unknown_field")}, id="unknown fields of an edge"),
    pytest.param(at("/edges/1/to", "each"), {("/edges/1/to", "conflicting_field")}, id="a route has no `to` of its own"),
    pytest.param(at("/edges/3/when", "true"), {("/edges/3/when", "conflicting_field")}, id="an error edge has no condition"),
    pytest.param(at("/edges/0/otherwise", "each"), {("/edges/0/otherwise", "conflicting_field")}, id="otherwise belongs to a route"),
    pytest.param(at("/edges/5/otherwise", "each"), {("/edges/5/otherwise", "conflicting_field")}, id="a condition has no otherwise"),
    pytest.param(at("/edges/3/on_error", False), {("/edges/3/on_error", "wrong_type")}, id="on_error is true or codes"),
    pytest.param(at("/edges/3/on_error", []), {("/edges/3/on_error", "wrong_type")}, id="at least one code"),
    pytest.param(at("/edges/1/take", "some"), {("/edges/1/take", "wrong_type")}, id="take first or all"),
    pytest.param(at("/edges/0/edge_type", "curved"), {("/edges/0/edge_type", "wrong_type")}, id="edge types have names"),
    pytest.param(at("/edges/1/route/0", {"when": "true"}), {("/edges/1/route/0", "missing_field")}, id="a rule leads somewhere"),
    pytest.param(at("/edges/5/when", "x" * 4097), {("/edges/5/when", "too_long")}, id="an expression has 4 KiB"),
    pytest.param(at("/state/9x", {}), {("/state/9x", "bad_name")}, id="a channel is a name in CEL"),
    pytest.param(at("/state/notes/merge", "mix"), {("/state/notes/merge", "wrong_type")}, id="merge rules have names"),
    pytest.param(at("/state/reply/on_conflict", "first"), {("/state/reply/on_conflict", "wrong_type")}, id="on_conflict is last"),
    pytest.param(at("/limits/steps", 0), {("/limits/steps", "wrong_type")}, id="a limit is at least one"),
    pytest.param(at("/limits/depth", 101), {("/limits/depth", "wrong_type")}, id="frames lie at most 100 deep"),
    pytest.param(at("/limits/cost_usd", "much"), {("/limits/cost_usd", "wrong_type")}, id="money is a number"),
    pytest.param(at("/limits/cost_usd", "NaN"), {("/limits/cost_usd", "wrong_type")}, id="and a finite one"),
    pytest.param(at("/limits/seats", 1), {("/limits/seats", "unknown_field")}, id="unknown limits"),
    pytest.param(at("/metadata", {"x": nested(80)}), {("/metadata/x" + "/0" * 62, "too_deep")}, id="64 deep"),
    pytest.param(at("/metadata", {"x": 2**53}), {("/metadata/x", "number_range")}, id="whole numbers are exact"),
    pytest.param(at("/metadata", {"x": float("inf")}), {("/metadata/x", "number_range")}, id="numbers are finite"),
    pytest.param(at("/metadata", {"x": "a\0b"}), {("/metadata/x", "bad_text")}, id="no NUL in a text"),
    pytest.param(at("/metadata", {"x\ud800": 1}), {("/metadata/x\ud800", "bad_text")}, id="no half surrogates"),
]


@pytest.mark.parametrize(("change", "expected"), WRONG)
def test_every_structural_problem_has_its_pointer(change: Change, expected: set[tuple[str, str]]) -> None:
    assert problems_of(changed(change)) == expected


@pytest.mark.parametrize("written", [None, [], "graph", 5], ids=str)
def test_a_document_is_an_object(written: Any) -> None:
    with pytest.raises(ValidationError) as error:
        parse_graph(written)
    assert [problem.pointer for problem in error.value.problems] == [""]


def test_ten_problems_are_said_at_once() -> None:
    written = copy.deepcopy(TRIAGE)
    changes = [
        at("/version", "one"),
        at("/colour", "red"),
        at("/nodes/answer/cancels", []),
        at("/nodes/look_up/join", "some"),
        at("/nodes/look_up/retry/attempts", -1),
        at("/nodes/sorry/kind", 7),
        at("/edges/0/If", "x"),
        at("/edges/3/on_error", False),
        at("/state/notes/merge", "mix"),
        at("/limits/steps", "many"),
    ]
    for change in changes:
        change(written)

    with pytest.raises(ValidationError, match="and 9 more") as error:
        parse_graph(written)
    assert len({problem.pointer for problem in error.value.problems}) == 10


def test_a_document_holds_20_000_nodes_and_no_more() -> None:
    names = [f"n{number}" for number in range(20_001)]
    good = document(" ".join(names[:-1]), [f"{one} > {other}" for one, other in zip(["start", *names], names[:-1], strict=False)])
    too_many = document(" ".join(names), ["start > n0"])

    assert len(parse_graph(good).nodes) == 20_000
    assert ("/nodes", "too_many_nodes") in problems_of(too_many)


def test_a_document_holds_100_000_edges() -> None:
    assert problems_of(document("a", ["start > a"] * 100_001)) == {("/edges", "too_many_edges")}


def test_nodes_inside_a_map_count_too() -> None:
    inner = {"nodes": {f"n{number}": {"kind": "transform"} for number in range(20_000)}, "edges": []}

    assert problems_of(document({"m": {"kind": "map", "graph": inner}}, ["start > m"])) == {("/nodes", "too_many_nodes")}


def test_a_document_is_read_whole() -> None:
    graph = parse_graph(TRIAGE)

    assert graph.id == "support-triage@1.2.0"
    assert graph.limits == Limits(steps=200, seconds=600.0, cost_usd=Decimal("0.50"))
    assert graph.channels["notes"] == Channel("notes", {"type": "array"}, Merge.APPEND, [], has_default=True)
    assert graph.channels["reply"].last_wins
    look_up = graph.nodes[NodeId("look_up")]
    assert look_up.config == {"tool": "lookup", "arguments": {"query": "${state.ticket}"}}
    assert look_up.retry == RetryRule(attempts=3, codes=("tool_failed",))
    assert (look_up.timeout_seconds, look_up.position) == (5.0, Point(1.5, -2.0))
    assert [edge.id for edge in graph.edges] == ["e0", "e1", "found", "e3", "e4", "e5"]
    assert [edge.edge_type for edge in graph.edges][3:] == [EdgeType.SIMPLE, EdgeType.FLEXIBLE_CONDITIONAL, EdgeType.CONDITIONAL]
    assert graph.edges[3].on_error == ("tool_failed", "timeout")
    assert graph.edges[4].targets == ("each", "end")


def test_the_concurrency_of_a_map_is_its_own_and_its_graph_is_parsed() -> None:
    each = parse_graph(TRIAGE).nodes[NodeId("each")]

    assert (each.config["concurrency"], each.concurrency) == (3, 1)
    assert each.graph is not None
    assert list(each.graph.nodes) == ["one"]


def test_pointers_escape_what_they_must() -> None:
    assert pointer_to("/nodes", "a/b~c") == "/nodes/a~1b~0c"


def test_the_good_document_comes_back() -> None:
    graph = parse_graph(TRIAGE)

    assert parse_graph(dump_graph(graph)) == graph
    assert json.loads(json.dumps(dump_graph(graph))) == dump_graph(graph)


ids = st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True)
node_ids = ids.map(NodeId)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
scalars = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False) | texts
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=5)
seconds = st.floats(0.001, 1e6)
counts = st.integers(1, 1000)
joins = st.one_of(
    st.sampled_from([Join(JoinKind.ALL), Join(JoinKind.ANY)]),
    st.builds(Join, st.just(JoinKind.COUNT), counts, st.just(()), st.booleans(), st.sampled_from(OnStarved)),
    st.builds(
        Join,
        st.just(JoinKind.FROM),
        sources=st.lists(node_ids, min_size=1, max_size=3, unique=True).map(tuple),
        on_starved=st.sampled_from(OnStarved),
    ),
)
retries = st.builds(RetryRule, counts, seconds, seconds, seconds, st.lists(texts, max_size=2).map(tuple))
own = st.dictionaries(ids.map("own_".__add__), values, max_size=3)


def edges(identity: str) -> st.SearchStrategy[Edge]:
    shared = {"id": st.just(identity), "source": node_ids}
    routes = st.lists(st.builds(Route, texts, node_ids), min_size=1, max_size=3).map(tuple)
    flexible = st.just(EdgeType.FLEXIBLE_CONDITIONAL)
    return st.one_of(
        st.builds(Edge, **shared, target=node_ids),
        st.builds(Edge, **shared, target=node_ids, edge_type=st.just(EdgeType.CONDITIONAL), condition=texts),
        st.builds(Edge, **shared, target=node_ids, on_error=st.lists(texts, max_size=2).map(tuple)),
        st.builds(Edge, **shared, edge_type=flexible, routes=routes, otherwise=st.none() | node_ids, take=st.sampled_from(Take)),
        st.builds(
            Edge, **shared, edge_type=flexible, choose=st.just("${state.x}"), targets=st.lists(node_ids, min_size=1, max_size=3).map(tuple)
        ),
    )


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    names = draw(st.lists(node_ids, max_size=4, unique=True))
    nodes = {name: draw(_node(name)) for name in names}
    channels = {name: draw(_channel(name)) for name in draw(st.lists(ids, max_size=3, unique=True))}
    money = st.none() | st.decimals("0", "99", places=4)
    limits = st.builds(Limits, counts, counts, seconds, st.integers(1, 100), counts, counts, money, st.none() | counts)
    return Graph(
        name=draw(ids.filter("self".__ne__)),
        version=draw(st.sampled_from(["0.1.0", "1.2.3-rc.1+build.5"])),
        nodes=nodes,
        edges=tuple(draw(edges(draw(st.sampled_from([f"e{number}", f"id{number}"])))) for number in range(draw(st.integers(0, 4)))),
        channels=channels,
        input_schema=draw(st.none() | st.dictionaries(texts, values, max_size=2)),
        output=draw(st.none() | st.dictionaries(texts, values, max_size=2)),
        limits=draw(st.just(Limits()) | limits),
        description=draw(texts),
        tags=tuple(draw(st.lists(texts, max_size=2))),
        metadata=draw(st.dictionaries(texts, values, max_size=2)),
        permissions=draw(st.none() | st.lists(st.sampled_from(["a", "b_*"]), max_size=2).map(tuple)),
    )


def _node(name: NodeId) -> st.SearchStrategy[Node]:
    return st.builds(
        Node,
        st.just(name),
        ids.filter("map".__ne__),
        own,
        writes=st.dictionaries(ids, values, max_size=2),
        join=st.none() | joins,
        retry=st.just(RetryRule()) | retries,
        timeout_seconds=st.none() | seconds,
        concurrency=counts,
        description=texts,
        position=st.none() | st.builds(Point, st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)),
    )


def _channel(name: str) -> st.SearchStrategy[Channel]:
    plain = st.builds(Channel, st.just(name), own, st.sampled_from(Merge), last_wins=st.booleans())
    with_default = st.builds(Channel, st.just(name), own, st.sampled_from(Merge), values, st.just(True), st.booleans())
    return plain | with_default


@given(graphs())
def test_every_graph_comes_back_from_its_document(graph: Graph) -> None:
    assert parse_graph(json.loads(json.dumps(dump_graph(graph)))) == graph


junk = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=8)
PARTS = [
    *("/weft", "/name", "/tags", "/state", "/state/notes", "/input", "/output", "/limits"),
    *("/nodes", "/nodes/answer", "/nodes/look_up/retry", "/nodes/look_up/join", "/nodes/look_up/position", "/nodes/each/graph"),
    *("/edges", "/edges/0", "/edges/1/route", "/edges/3/on_error", "/edges/4/to"),
]


@given(st.sampled_from(PARTS), junk)
def test_whatever_stands_anywhere_is_read_without_an_error(path: str, value: Any) -> None:
    graph, problems = read_graph(changed(at(path, value)))

    assert problems or parse_graph(dump_graph(graph)) == graph


def test_the_hash_is_of_the_content_alone() -> None:
    moved = changed(at("/nodes/look_up/position", {"x": 9, "y": 9}))
    without_inner = changed(without("/nodes/each/graph/nodes/one/position"))
    reordered = dict(reversed(TRIAGE.items()))
    same_number = changed(at("/limits/seconds", 600.0))

    assert {content_hash(written) for written in (TRIAGE, moved, without_inner, reordered, same_number)} == {content_hash(TRIAGE)}
    assert len(content_hash(TRIAGE)) == 64


@pytest.mark.parametrize(
    "change",
    [at("/nodes/answer/prompt", "other"), at("/version", "1.2.1"), at("/metadata", {"position": 1}), at("/state/position", {})],
    ids=["a prompt", "the version", "a position that is not a node's", "a channel called position"],
)
def test_another_content_has_another_hash(change: Change) -> None:
    assert content_hash(changed(change)) != content_hash(TRIAGE)


@pytest.mark.parametrize("value", [2**60, float("nan"), "\ud800"], ids=["too big", "no number", "no text"])
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError, match="canonical form"):
        content_hash(document("a", metadata={"x": value}))


def test_the_published_schema_is_the_one_that_the_code_makes() -> None:
    published = Path(__file__).parents[3] / "docs" / "reference" / "graph.schema.json"

    assert json.loads(published.read_text()) == editor_schema(OurKinds().all())


@pytest.fixture(scope="module")
def accepts() -> Callable[[Any], bool]:
    return JsonSchemas().compile(editor_schema(OurKinds().all())).accepts


def test_the_editors_schema_takes_good_documents(accepts: Callable[[Any], bool]) -> None:
    nodes = {
        "w": {"kind": "wait", "seconds": "${state.s}"},
        "t": {"kind": "terminate", "status": "failed", "output": {"x": 1}, "join": {"count": 2, "cancel_rest": True}},
        "s": {"kind": "workflow", "workflow": "self", "input": {}, "join": {"from": ["w"], "on_starved": "drop"}},
        "l": {"kind": "llm", "model": "fast", "messages": [], "response_schema": {}},
    }
    assert accepts(TRIAGE)
    assert accepts(document(nodes, ["start > w", "w > s", "w ! t", "s > t", "s > l ? true"]))


NOT_SAID_BY_SCHEMAS = {"64 deep", "whole numbers are exact", "numbers are finite", "no NUL in a text", "no half surrogates"} | {
    "money is a number",
    "and a finite one",
    "true is not 1",
}


@pytest.mark.parametrize("change", [pytest.param(row.values[0], id=row.id) for row in WRONG if row.id not in NOT_SAID_BY_SCHEMAS])
def test_the_editors_schema_refuses_what_reading_refuses(change: Change, accepts: Callable[[Any], bool]) -> None:
    assert not accepts(changed(change))

"""What can be said about a graph without running it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.documents import read_graph
from domain.graph.analysis import Analysis, analyse
from domain.graph.definition import Join, JoinKind
from tests.documents import TRIAGE, document

ROUTE = {"route": [{"when": "true", "to": "b"}]}


def analysed(nodes: Any, edges: Any, **others: Any) -> Analysis:
    return analyse(read_graph(document(nodes, edges, **others))[0])


def found(problems: Any) -> set[tuple[str, str]]:
    return {(problem.pointer, problem.code) for problem in problems}


def joining(join: Any) -> dict[str, Any]:
    return {name: {"kind": "transform"} for name in "ab"} | {"m": {"kind": "transform", "join": join}}


def writing(*names: str, channel: str = "x") -> dict[str, Any]:
    return {name: {"kind": "transform", "writes": {channel: 1}} for name in names}


@pytest.mark.parametrize(
    ("nodes", "edges", "expected"),
    [
        pytest.param("a", ["start > a"], set(), id="a good graph has no problems"),
        pytest.param("", ["start > end"], set(), id="a graph may do nothing"),
        pytest.param("a", [], {("/edges", "no_start")}, id="something must follow the start"),
        pytest.param("a b", ["start > a"], {("/nodes/b", "unreachable")}, id="every node can be reached"),
        pytest.param(
            "a b c", ["start > a", "b > c", "c > b"], {("/nodes/b", "unreachable"), ("/nodes/c", "unreachable")}, id="a knot apart"
        ),
        pytest.param("a", ["start > a", "a > b"], {("/edges/1/to", "dangling_edge")}, id="an edge leads to a node"),
        pytest.param("a", ["start > a", "b > a"], {("/edges/1/from", "dangling_edge")}, id="an edge comes from a node"),
        pytest.param("b", ["b > b"], {("/edges", "no_start")}, id="a loop alone does not start"),
        pytest.param(
            "a c",
            ["start > a", "a > b", "b > c"],
            {("/edges/1/to", "dangling_edge"), ("/edges/2/from", "dangling_edge")},
            id="what a missing node leads to is not called unreachable too",
        ),
        pytest.param(
            "a",
            ["start > a", {"from": "a", "route": [{"when": "true", "to": "x"}], "otherwise": "y"}],
            {("/edges/1/route/0/to", "dangling_edge"), ("/edges/1/otherwise", "dangling_edge")},
            id="routes lead to nodes",
        ),
        pytest.param(
            "a",
            ["start > a", {"from": "a", "to": "${state.x}", "targets": ["a", "x"]}],
            {("/edges/1/targets/1", "dangling_edge")},
            id="listed targets are nodes",
        ),
        pytest.param("a start", ["start > a"], {("/nodes/start", "reserved_id")}, id="start is reserved"),
        pytest.param("a", ["start > a", "a > start"], {("/edges/1/to", "reserved_edge")}, id="nothing leads into start"),
        pytest.param("a", ["start > a", "end > a"], {("/edges/1/from", "reserved_edge")}, id="nothing leads out of end"),
        pytest.param("a b", ["start > a", "a > b", "start ! b"], {("/edges/2/on_error", "reserved_edge")}, id="start cannot fail"),
        pytest.param(
            "a b",
            [{"id": "x", "from": "start", "to": "a"}, {"id": "x", "from": "a", "to": "b"}],
            {("/edges/1/id", "duplicate_id")},
            id="ids of edges are unique",
        ),
        pytest.param(
            "a", [{"id": "e1", "from": "start", "to": "a"}, "a > end"], {("/edges/1/id", "duplicate_id")}, id="given ids meet default ones"
        ),
        pytest.param(
            "a",
            [{"from": "start", "to": "a", "edge_type": "conditional"}],
            {("/edges/0", "condition_missing")},
            id="a conditional edge has a condition",
        ),
        pytest.param(
            "a",
            [{"from": "start", "to": "a", "when": "true", "edge_type": "simple"}],
            {("/edges/0/when", "condition_unexpected")},
            id="a simple edge has none",
        ),
        pytest.param(
            "a",
            [{"from": "start", "to": "a", "edge_type": "flexible_conditional"}],
            {("/edges/0", "route_missing")},
            id="a flexible_conditional has a route",
        ),
        pytest.param(
            "a b",
            ["start > a", {"from": "a", "edge_type": "conditional", "when": "true", **ROUTE}],
            {("/edges/1/edge_type", "edge_type_mismatch")},
            id="a route is a flexible_conditional",
        ),
        pytest.param(
            "a b",
            ["start > a", "start > b", {"from": "a", "to": "${state.x ? 'a' : \"b\"}", "targets": ["a"]}],
            {("/edges/2/to", "unlisted_target")},
            id="an expression names listed targets",
        ),
        pytest.param(
            "a b",
            ["start > a", "start > b", {"from": "a", "to": "${state.x == 'b' ? 'a' : 'end'}", "targets": ["a", "end"]}],
            set(),
            id="a text that is compared with is no target",
        ),
        pytest.param(
            "a", ["start > a", {"from": "a", "to": "${state.x}"}], {("/edges/1", "targets_missing")}, id="a dynamic edge lists its targets"
        ),
        pytest.param(
            joining({"from": ["a"]}),
            ["start > a", "start > b", "a > m", "b > m"],
            {("/edges/3/to", "join_source")},
            id="edges from unnamed sources are refused",
        ),
        pytest.param(
            joining({"from": ["a", "b"]}),
            ["start > a", "start > b", "a > m"],
            {("/nodes/m/join/from/1", "join_source")},
            id="named sources have edges",
        ),
        pytest.param(
            joining({"count": 1}),
            ["start > a", "a > m", "m > b", "b > m"],
            {("/nodes/m/join/count", "count_head")},
            id="a loop's head does not count",
        ),
        pytest.param(joining({"count": 2}), ["start > a", "start > b", "a > m", "b > m"], set(), id="elsewhere a node may count"),
        pytest.param(writing("a"), ["start > a"], {("/nodes/a/writes/x", "unknown_channel")}, id="writes name channels"),
        pytest.param(
            {"a/~b": {"kind": "transform", "writes": {"x": 1}}},
            ["start > a/~b"],
            {("/nodes/a~1~0b/writes/x", "unknown_channel")},
            id="pointers are escaped",
        ),
    ],
)
def test_a_graph_must_not(nodes: Any, edges: Any, expected: set[tuple[str, str]]) -> None:
    assert found(analysed(nodes, edges).problems) == expected


@pytest.mark.parametrize(
    ("channel", "expected"),
    [
        pytest.param({"type": "array", "merge": "append", "default": []}, set(), id="append to an array"),
        pytest.param({"merge": "add", "default": 0}, set(), id="no type is any type"),
        pytest.param({"type": ["string", "null"], "merge": "max"}, set(), id="the greatest text"),
        pytest.param({"type": "string", "merge": "add"}, {("/state/x/merge", "merge_type")}, id="texts are not added"),
        pytest.param({"type": "object", "merge": "union"}, {("/state/x/merge", "merge_type")}, id="a union of lists only"),
        pytest.param({"type": "array", "merge": "merge"}, {("/state/x/merge", "merge_type")}, id="objects are merged"),
        pytest.param({"merge": "append", "default": "x"}, {("/state/x/default", "default_type")}, id="what is appended to is a list"),
        pytest.param({"merge": "add", "default": True}, {("/state/x/default", "default_type")}, id="true is no number"),
    ],
)
def test_a_merge_rule_wants_its_type(channel: dict[str, Any], expected: set[tuple[str, str]]) -> None:
    assert found(analysed("a", ["start > a"], state={"x": channel}).problems) == expected


DIAMOND = ["start > a", "a > b", "a > c", "b > d", "c > d"]


@pytest.mark.parametrize(
    ("nodes", "edges", "expected"),
    [
        pytest.param(
            writing("b", "c") | {"a": {"kind": "transform"}},
            ["start > a", "a > b", "a > c"],
            {("/nodes/c/writes/x", "parallel_replace")},
            id="two branches of a fork",
        ),
        pytest.param(writing("a", "b"), ["start > a", "start > b"], {("/nodes/b/writes/x", "parallel_replace")}, id="two first nodes"),
        pytest.param(writing("a", "b", "d") | {"c": {"kind": "transform"}}, DIAMOND, set(), id="one branch, and behind the join"),
        pytest.param(writing("a", "b"), ["start > a", "a > b"], set(), id="one after the other"),
        pytest.param(
            writing("a", "b", "c"), ["start > a", {"from": "a", **ROUTE, "otherwise": "c"}], set(), id="one or the other by a route"
        ),
        pytest.param(
            writing("b", "c") | {"a": {"kind": "transform"}},
            ["start > a", {"from": "a", **ROUTE, "otherwise": "c", "take": "all"}],
            {("/nodes/c/writes/x", "parallel_replace")},
            id="a route that takes all",
        ),
        pytest.param(
            writing("b", "c") | {"a": {"kind": "transform"}},
            ["start > a", "a > b ? state.x > 1", "a > c ? state.x <= 1"],
            set(),
            id="conditions that exclude each other",
        ),
        pytest.param(
            writing("b", "c") | {"a": {"kind": "transform"}},
            ["start > a", "a > b ? state.x == 'p'", "a > c ? state.x == 'q'"],
            set(),
            id="one value, two literals",
        ),
        pytest.param(
            writing("b", "c") | {"a": {"kind": "transform"}},
            ["start > a", "a > b ? state.x > 1", "a > c ? state.x > 2"],
            {("/nodes/c/writes/x", "parallel_replace")},
            id="conditions that may both hold",
        ),
        pytest.param(writing("b", "c") | {"a": {"kind": "transform"}}, ["start > a", "a > b", "a ! c"], set(), id="a result or an error"),
        pytest.param(
            writing("u", "v") | {name: {"kind": "transform"} for name in "abm"},
            ["start > a", "start > b", "a > m", "b > m", {"from": "m", "route": [{"when": "true", "to": "u"}], "otherwise": "v"}],
            set(),
            id="a fork that met again before a route",
        ),
        pytest.param(writing("a", "b"), ["start > a", "a > b", "b > a ? state.x < 3", "b > end ? state.x >= 3"], set(), id="round a loop"),
    ],
)
def test_side_by_side_replaces_are_warned_of(nodes: Any, edges: Any, expected: set[tuple[str, str]]) -> None:
    warnings = analysed(nodes, edges, state={"x": {}}).warnings
    assert {warning for warning in found(warnings) if warning[1] == "parallel_replace"} == expected


@pytest.mark.parametrize("channel", [{"merge": "append"}, {"on_conflict": "last"}], ids=["a merge rule", "on_conflict: last"])
def test_a_channel_that_can_be_written_side_by_side_needs_no_warning(channel: dict[str, Any]) -> None:
    assert analysed(writing("a", "b"), ["start > a", "start > b"], state={"x": channel}).warnings == ()


def test_a_route_without_otherwise_is_warned_of() -> None:
    assert found(analysed("a b", ["start > a", {"from": "a", **ROUTE}]).warnings) == {("/edges/1", "route_without_otherwise")}


def test_a_second_entry_into_a_loop_is_warned_of_by_name() -> None:
    (warning,) = analysed("a b c", ["start > a", "a > b", "a > c", "b > c", "c > b"]).warnings

    assert (warning.pointer, warning.code) == ("/nodes/c", "irreducible_loop")
    assert "`c` is a second entry into the loop of `b`" in warning.message


def test_a_node_fed_from_inside_a_loop_is_warned_of_in_the_words_of_the_contract() -> None:
    edges = ["start > h", "h > a", "a > h ? state.go", "h > log", "a > log"]
    (warning,) = analysed("h a log", edges, state={"go": {}}).warnings

    assert warning.pointer == "/nodes/log"
    assert warning.message == (
        "`log` is fed from inside loop `h` by two nodes and never returns to it: "
        "it runs once, after the loop; add an edge to `h` or `join: any`"
    )


@pytest.mark.parametrize(
    ("edges", "expected"),
    [
        pytest.param(
            ["start > a", "start > b", "a > m", "b > m"], {("/nodes/m/join/count", "count_out_of_reach")}, id="two sources, three tokens"
        ),
        pytest.param(["start > a", "a > b", "b > a ? true", "a > m", "b > m"], set(), id="a source in a loop may come again"),
    ],
)
def test_a_count_that_cannot_be_reached_is_warned_of(edges: list[str], expected: set[tuple[str, str]]) -> None:
    assert found(analysed(joining({"count": 3}), edges).warnings) == expected


def test_a_kind_may_say_how_its_nodes_join() -> None:
    graph = read_graph(document("h a log", ["start > h", "h > a", "a > h ? true", "h > log", "a > log"]))[0]

    assert analyse(graph, {"transform": Join(JoinKind.ANY)}).warnings == ()


def test_what_is_inside_a_map_is_looked_at_too() -> None:
    inner = {"nodes": {"x": {"kind": "transform"}}, "edges": [{"from": "start", "to": "y"}]}
    nodes = {"m": {"kind": "map", "over": [], "graph": inner}}

    assert found(analysed(nodes, ["start > m"]).problems) == {
        ("/nodes/m/graph/edges/0/to", "dangling_edge"),
        ("/nodes/m/graph/nodes/x", "unreachable"),
    }


def test_too_many_loops_around_one_node_are_a_problem_and_not_an_error() -> None:
    names = [f"n{number}" for number in range(150)]
    forth = [f"{one} > {other}" for one, other in zip(["start", *names], names, strict=False)]

    assert "loops_too_deep" in {
        problem.code for problem in analysed(" ".join(names), forth + [f"{names[-1]} > {name}" for name in names[:-1]]).problems
    }


def test_a_good_document_has_neither_problems_nor_warnings() -> None:
    assert analyse(read_graph(TRIAGE)[0]) == Analysis()


names = st.sampled_from(["start", "end", "a", "b", "c", "nowhere"])
drawn = st.lists(st.builds(lambda one, arrow, other: f"{one} {arrow} {other}", names, st.sampled_from([">", "!"]), names), max_size=12)


@given(drawn, st.sampled_from(["all", "any", {"count": 2}, {"from": ["b"]}]))
def test_whatever_is_drawn_is_analysed_without_an_error(edges: list[str], join: Any) -> None:
    nodes = writing("b", "c") | {"a": {"kind": "transform", "join": join}}
    unique = {problem.pointer + problem.code for problem in analysed(nodes, edges, state={"x": {}}).problems}

    assert bool(unique) == (not _holds_together(edges, join))


def _holds_together(edges: list[str], join: Any) -> bool:
    """The same question, asked naively of edges alone."""
    pairs = [(edge.split()[0], edge.split()[1], edge.split()[2]) for edge in edges]
    known = {"start", "end", "a", "b", "c"}
    if not {end for one, _, other in pairs for end in (one, other)} <= known or any(
        one == "end" or other == "start" for one, _, other in pairs
    ):
        return False
    if any(one == "start" and arrow == "!" for one, arrow, _ in pairs):
        return False
    reached = {"start"}
    for _ in pairs:
        reached |= {other for one, _, other in pairs if one in reached}
    if not any(one == "start" and arrow == ">" for one, arrow, _ in pairs) or not {"a", "b", "c"} <= reached:
        return False
    into_a = {one for one, _, other in pairs if other == "a"}
    if isinstance(join, dict) and "from" in join and into_a != {"b"}:
        return False
    return not (isinstance(join, dict) and "count" in join and _heads_a_loop(pairs))


def _heads_a_loop(pairs: list[tuple[str, str, str]]) -> bool:
    """Depth first in the order of the edges, recursively: does an edge lead to `a` while it is open?"""
    seen: set[str] = set()
    heads: set[str] = set()

    def visit(node: str, above: frozenset[str]) -> None:
        seen.add(node)
        for one, _, other in pairs:
            if one == node and other != "end":
                if other in above | {node}:
                    heads.add(other)
                elif other not in seen:
                    visit(other, above | {node})

    visit("start", frozenset())
    return "a" in heads

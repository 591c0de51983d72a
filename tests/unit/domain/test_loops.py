"""What is known of a graph before anything runs: loops, back edges, who waits for whom."""

import random
import sys
from itertools import pairwise

import pytest

from application.documents import parse_graph
from domain.errors import ValidationError
from domain.graph.compiled import CompiledGraph, bits, compile_graph
from domain.graph.definition import END, START, Edge, Graph, JoinKind, Node
from domain.ids import NodeId
from tests.oracles.duel import as_json
from tests.oracles.graphs import random_graph
from tests.oracles.shape import Shape
from tests.unit.domain.arrows import graph_of

FORK = ["a -> b", "a -> c", "b -> d", "c -> d"]
LOOP = ["a -> h", "h -in> x", "h -in> y", "x -> h", "y -> h", "h -out> e"]


def named(graph: CompiledGraph, of: int) -> set[str]:
    """Without `start`, which is never in flight."""
    return {graph.nodes[node].id for node in bits(of) if node < len(graph.nodes)}


def loops(graph: CompiledGraph) -> dict[str, set[str]]:
    return {graph.nodes[head].id: named(graph, members) for head, members in graph.loops.items()}


def waits(graph: CompiledGraph, spent: int = 0) -> dict[str, set[str]]:
    return {graph.nodes[node].id: named(graph, graph.waits_past(node, spent)) for node in graph.waits}


def back_edges(graph: CompiledGraph) -> set[tuple[str, str]]:
    names = [*(node.id for node in graph.nodes), START]
    return {(names[source], names[head]) for head, sources in graph.arrows.back.items() for source in sources}


@pytest.mark.parametrize(
    ("arrows", "expected"),
    [
        pytest.param(["a -> b", "b -> c"], {}, id="a sequence"),
        pytest.param(FORK, {}, id="a fork"),
        pytest.param(["a -> a", "a -> b"], {"a": {"a"}}, id="a node that leads to itself"),
        pytest.param(LOOP, {"h": {"h", "x", "y"}}, id="a head and its body, not what follows"),
        pytest.param([*LOOP, "e -> a"], {"a": {"a", "h", "x", "y", "e"}, "h": {"h", "x", "y"}}, id="a loop in a loop"),
        pytest.param(["a -> b", "b -> c", "c -> a", "c -!> b"], {"a": {"a", "b", "c"}, "b": {"b", "c"}}, id="an error edge leads back too"),
        pytest.param(["a -> b", "b -> c", "c -> b", "b -> x"], {"b": {"b", "c"}}, id="a way out is no part of the loop"),
    ],
)
def test_loops(arrows: list[str], expected: dict[str, set[str]]) -> None:
    assert loops(compile_graph(graph_of(arrows))) == expected


@pytest.mark.parametrize(
    ("arrows", "expected"),
    [
        pytest.param(["a -> b", "b -> c"], {}, id="a single source has nothing to join"),
        pytest.param(FORK, {"d": {"a", "b", "c"}}, id="a join waits for everything before it"),
        pytest.param(LOOP, {"h": {"a", "x", "y"}}, id="a head waits for its body and for what leads in"),
        pytest.param([*LOOP, "x -> m", "y -> m", "m -> h"], {"h": {"a", "x", "y", "m"}, "m": {"a", "h", "x", "y"}}, id="a join in a loop"),
        pytest.param([*FORK, "d: any"], {}, id="any waits for nobody"),
        pytest.param(["a -> b", "b: count 1"], {"b": {"a"}}, id="a count joins whatever its sources"),
        pytest.param(["a -> b", "a -> c", "b -> end", "c -> end"], {}, id="end is no node"),
    ],
)
def test_waits(arrows: list[str], expected: dict[str, set[str]]) -> None:
    assert waits(compile_graph(graph_of(arrows))) == expected


def test_nobody_waits_past_a_spent_node_but_the_head_of_its_loop() -> None:
    graph = compile_graph(graph_of(["h -in> x", "h -in> y", "x -> j", "y -> j", "j: count 1", "j -> h", "j -> k", "h -> k", "h -out> e"]))

    spent = graph.bit[graph.index[NodeId("j")]]

    assert waits(graph, spent) == {"h": {"x", "y", "j"}, "j": {"h", "x", "y"}, "k": {"h", "j"}}


def test_an_inner_graph_is_compiled_with_its_map() -> None:
    inner = graph_of(FORK)
    graph = Graph("g", "1.0.0", {NodeId("m"): Node(NodeId("m"), "map", graph=inner)}, (Edge("s", START, target=NodeId("m")),))

    compiled = compile_graph(graph)

    assert waits(compiled.inner[compiled.index[NodeId("m")]]) == {"d": {"a", "b", "c"}}


@pytest.mark.parametrize(
    ("arrows", "expected"),
    [
        pytest.param(["start -> a", "start -> b", "start -> a"], ("a", "b"), id="plain edges, each target once"),
        pytest.param(["start -> a", "start -x> b"], None, id="a condition must be asked"),
    ],
)
def test_where_start_leads(arrows: list[str], expected: tuple[str, ...] | None) -> None:
    assert compile_graph(graph_of(arrows)).start_targets == expected


@pytest.mark.parametrize("batch", range(10))
def test_random_graphs_have_the_shape_that_the_contract_says(batch: int) -> None:
    for seed in range(batch * 200, batch * 200 + 200):
        rng = random.Random(seed)
        document = random_graph(rng)
        graph, shape = compile_graph(parse_graph(as_json(document))), Shape(document)
        spent = _some_counts(rng, graph)

        assert back_edges(graph) == shape.back, seed
        assert loops(graph) == shape.loops, seed
        assert [graph.nodes[node].id for node in sorted(range(len(graph.nodes)), key=graph.preorder.__getitem__)] == shape.preorder, seed
        for node, found in waits(graph).items():
            assert found == shape.waits(node, set()), (seed, node)
        for node, found in waits(graph, spent).items():
            assert found == shape.waits(node, named(graph, spent)), (seed, node)


def _some_counts(rng: random.Random, graph: CompiledGraph) -> int:
    counts = [graph.bit[node] for node in bits(graph.counting) if graph.joins[node].kind is JoinKind.COUNT]
    return sum(rng.sample(counts, rng.randint(0, len(counts))))


def test_a_long_chain_compiles() -> None:
    size = 20_000
    nodes = {NodeId(f"n{at}"): Node(NodeId(f"n{at}"), "plain") for at in range(size)}
    names = [START, *nodes, END]

    graph = compile_graph(_graph(nodes, list(pairwise(names))))

    assert (len(graph.nodes), graph.waits, graph.loops) == (size, {}, {})


def test_a_long_loop_compiles() -> None:
    size = 20_000
    nodes = {NodeId(f"n{at}"): Node(NodeId(f"n{at}"), "plain") for at in range(size)}
    names = [START, *nodes]

    graph = compile_graph(_graph(nodes, [*pairwise(names), (names[-1], names[1])]))

    assert {head: members.bit_count() for head, members in graph.loops.items()} == {0: size}


def test_a_wide_fork_compiles() -> None:
    size = 10_000
    branches = [NodeId(f"b{at}") for at in range(size)]
    nodes = {name: Node(name, "plain") for name in [NodeId("fork"), *branches, NodeId("join")]}
    edges = [(START, NodeId("fork")), *((NodeId("fork"), name) for name in branches), *((name, NodeId("join")) for name in branches)]

    graph = compile_graph(_graph(nodes, edges))

    assert len(waits(graph)["join"]) == size + 1


def test_a_hundred_loops_around_a_node_are_enough() -> None:
    assert sys.getrecursionlimit() < 20_000, "the searches above would be recursive and nobody would notice"
    compile_graph(_nested(100))

    with pytest.raises(ValidationError) as raised:
        compile_graph(_nested(101))

    assert [(problem.pointer, problem.code) for problem in raised.value.problems] == [("/edges", "loops_too_deep")]


def _nested(depth: int) -> Graph:
    """A chain whose last node leads back to each of `depth` nodes."""
    nodes = {NodeId(f"n{at}"): Node(NodeId(f"n{at}"), "plain") for at in range(depth + 1)}
    names = [START, *nodes]
    return _graph(nodes, [*pairwise(names), *((names[-1], name) for name in names[1:-1])])


def _graph(nodes: dict[NodeId, Node], edges: list[tuple[NodeId, NodeId]]) -> Graph:
    return Graph("g", "1.0.0", nodes, tuple(Edge(f"e{at}", source, target=target) for at, (source, target) in enumerate(edges)))

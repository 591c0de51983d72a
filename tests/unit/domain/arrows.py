"""Graphs as pictures in words, played on the fold.

`a -> b` is an edge, `a -yes> b` one that is taken when it happened that `a:yes`, `a -!> b` one for errors. `j: count 2 cancel_rest` says
how `j` joins. Without an edge from `start` it leads to the first node. What happened is `a` (finished, taking the edges without a word),
`a:yes,no` (those with these words too), or `a!` (failed). Of several activations of a node the oldest is meant.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from domain.errors import Failure
from domain.graph.compiled import compile_graph
from domain.graph.definition import START, Edge, EdgeType, Graph, Join, JoinKind, Limits, Node, OnStarved
from domain.ids import ContentHash, NodeId, Position, RunId
from domain.run import events, fold
from domain.run.state import Activation, RunState

_ARROW = re.compile(r"(\w+) -(\w*|!)> (\w+)")


def graph_of(arrows: Sequence[str]) -> Graph:
    edges = [_edge(number, line) for number, line in enumerate(arrows) if ">" in line]
    if not any(edge.source == START for edge in edges):
        edges.append(Edge("s", START, target=edges[0].source))
    names = dict.fromkeys(name for edge in edges for name in (edge.source, edge.target) if name not in (START, "end", None))
    nodes = {NodeId(str(name)): Node(NodeId(str(name)), "plain") for name in names}
    for line in arrows:
        if ">" not in line:
            name, _, said = line.partition(": ")
            nodes[NodeId(name)] = _told(nodes[NodeId(name)], said.split())
    return Graph("arrows", "1.0.0", nodes, tuple(edges))


def _edge(number: int, line: str) -> Edge:
    found = _ARROW.fullmatch(line)
    assert found, f"not an arrow: {line}"
    source, word, target = found.groups()
    on_error: tuple[str, ...] | None = () if word == "!" else None
    condition = word if word and on_error is None else None
    kind = EdgeType.SIMPLE if condition is None else EdgeType.CONDITIONAL
    return Edge(f"e{number}", NodeId(source), kind, NodeId(target), condition, on_error=on_error)


def _told(node: Node, words: list[str]) -> Node:
    match words:
        case ["terminate", *rest]:
            node = replace(node, kind="terminate")
        case ["concurrency", number, *rest]:
            node = replace(node, concurrency=int(number))
        case [("any" | "all") as kind, *rest]:
            node = replace(node, join=Join(JoinKind(kind)))
        case ["count", number, *rest]:
            node = replace(node, join=Join(JoinKind.COUNT, int(number)))
        case ["from", *rest]:
            sources = tuple(NodeId(name) for name in rest if name not in ("run", "drop"))
            node, rest = replace(node, join=Join(JoinKind.FROM, sources=sources)), rest[len(sources) :]
        case ["cancel_rest", *rest] if node.join:
            node = replace(node, join=replace(node.join, cancel_rest=True))
        case [("run" | "drop") as said, *rest] if node.join:
            node = replace(node, join=replace(node.join, on_starved=OnStarved(said)))
        case _:
            raise AssertionError(f"no word for a node: {words}")
    return _told(node, rest) if rest else node


def played(arrows: Sequence[str], happened: Sequence[str], limits: Limits | None = None) -> RunState:
    """The run after what happened."""
    graph = compile_graph(graph_of(arrows))
    started = events.RunStarted(RunId("r"), ContentHash("h"), {}, 0.0, limits=limits or Limits())
    state = fold.begin(started, Position(1), graph, {}, {})
    for number, word in enumerate(happened, 2):
        fold.apply(state, _event(state, word), Position(number))
    return state


def planned(arrows: Sequence[str], happened: Sequence[str]) -> set[str]:
    """What runs after what happened (`a*2`: twice at once); `done`, or the code of its failure, when the run is over."""
    state = played(arrows, happened)
    if state.root.is_done:
        return {state.root.failure.code if state.root.failure else "done"}
    running = Counter(activation.node for activation in state.active.values())
    return {node if count == 1 else f"{node}*{count}" for node, count in running.items()}


def oldest(state: RunState, node: str) -> Activation:
    return next(activation for activation in state.active.values() if activation.node == node)


def _event(state: RunState, word: str) -> events.Event:
    name = word.partition(":")[0].rstrip("!")
    said = set(word.partition(":")[2].split(","))
    if name == START:
        return events.FrameBegun(state.root.path, _taken(state, len(state.root.graph.nodes), said))
    activation = oldest(state, name)
    if word.endswith("!"):
        failure = Failure("boom", "it broke", activation.node)
        caught = [edge.target for edge in activation.frame.graph.error_edges_of[activation.index] if edge.target]
        return events.NodeFailed(activation.path, failure, tuple(caught[:1]))
    if activation.frame.graph.nodes[activation.index].kind == "terminate":
        return events.Terminated(activation.path, True, None)
    return events.NodeFinished(activation.path, {}, _taken(state, activation.index, said), activation.read_at)


def _taken(state: RunState, source: int, said: set[str]) -> tuple[NodeId, ...]:
    edges = state.root.graph.edges_of[source]
    return tuple(dict.fromkeys(edge.target for edge in edges if edge.target and (edge.condition is None or edge.condition in said)))

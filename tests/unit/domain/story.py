"""A run told row by row, by the paths of its activations."""

from dataclasses import replace
from typing import Any

from domain.errors import Failure
from domain.graph.compiled import compile_graph
from domain.graph.definition import Graph, Limits
from domain.ids import ActivationPath, ContentHash, FramePath, NodeId, Position, RunId
from domain.json import Json
from domain.run import events, fold
from domain.run.state import Activation
from tests.unit.domain.arrows import graph_of

SELF = ContentHash("h")


class Story:
    """A run told row by row."""

    def __init__(self, graph: Graph, limits: Limits | None = None, given: dict[str, Json] | None = None) -> None:
        self.graph = compile_graph(graph)
        started = events.RunStarted(RunId("r"), SELF, given or {}, 0.0, limits=limits or Limits())
        self.rows: list[events.Event] = [started]
        self.state = fold.begin(started, Position(1), self.graph, {SELF: self.graph}, {})

    def row(self, event: events.Event) -> "Story":
        self.rows.append(event)
        fold.apply(self.state, event, Position(len(self.rows)))
        return self

    def finish(self, path: str, **updates: Json) -> "Story":
        activation = self.state.active[ActivationPath(path)]
        taken = tuple(edge.target for edge in activation.frame.graph.edges_of[activation.index] if edge.target)
        return self.row(events.NodeFinished(activation.path, updates, taken, activation.read_at))

    def open(self, path: str, items: int, graph: ContentHash | None = None, **how: Any) -> "Story":
        opened = events.FramesOpened(ActivationPath(path), tuple({"i": i} for i in range(items)), graph, tuple(range(items)), is_map=True)
        return self.row(replace(opened, **{"concurrency": 100, **how}))

    def end(self, frame: str, output: Json = None, failure: Failure | None = None) -> "Story":
        return self.row(events.FrameEnded(FramePath(frame), output, failure))

    @property
    def running(self) -> set[str]:
        return {path for path, activation in self.state.active.items() if activation.children is None}

    @property
    def ended(self) -> list[str]:
        return [frame.path for frame in self.state.ended]

    def children(self, path: str = "/m#1") -> Activation:
        return self.state.active[ActivationPath(path)]


def with_map(outer: list[str], inner: list[str]) -> Graph:
    """`m` of the outer picture runs the inner one."""
    graph = graph_of(outer)
    nodes = {**graph.nodes, NodeId("m"): replace(graph.nodes[NodeId("m")], kind="map", graph=graph_of(inner))}
    return replace(graph, nodes=nodes)


def mapped(items: int, inner: list[str] | None = None, limits: Limits | None = None, **how: Any) -> Story:
    return Story(with_map(["m -> b"], inner or ["x -> y"]), limits).open("/m#1", items, **how)

"""Plays graphs on the engine's fold: beside the naive model, row by row; and against the visits that a structured program means."""

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import cast

from application.documents import parse_graph
from domain.errors import Failure
from domain.graph.compiled import compile_graph
from domain.graph.definition import Graph, Limits
from domain.ids import ContentHash, NodeId, Position, RunId
from domain.json import Json
from domain.run import events, fold
from domain.run.state import Activation, RunState
from tests.oracles.graphs import random_graph, random_targets
from tests.oracles.naive import NaiveFrame, Step
from tests.oracles.structured import Case, random_case

MOST_ROWS = 300
STARTED = events.RunStarted(RunId("r"), ContentHash("h"), {}, 0.0, limits=Limits(steps=1_000_000, visits=1_000_000))


def as_json(document: object) -> Json:
    return cast(Json, document)


@dataclass
class Played:
    """A run on the fold alone: rows are made up here and applied, nothing is executed."""

    graph: Graph
    start: Callable[[str], tuple[str, ...]]
    rows: list[events.Event] = field(default_factory=list)
    state: RunState = field(init=False)

    def __post_init__(self) -> None:
        self.state = fold.begin(STARTED, Position(1), compile_graph(self.graph), {}, {})
        self.rows.append(STARTED)
        self.begin_frames()

    def record(self, event: events.Event) -> None:
        self.rows.append(event)
        fold.apply(self.state, event, Position(len(self.rows)))
        self.begin_frames()

    def begin_frames(self) -> None:
        while self.state.to_begin:
            frame = self.state.to_begin.pop(0)
            self.record(events.FrameBegun(frame.path, tuple(NodeId(name) for name in self.start(frame.path))))

    def finish(self, activation: Activation, targets: tuple[str, ...]) -> None:
        taken = tuple(NodeId(target) for target in targets)
        if taken and not activation.frame.graph.edges_of[activation.index]:
            self.record(events.NodeFailed(activation.path, Failure("boom", "boom", activation.node), taken))
        else:
            self.record(events.NodeFinished(activation.path, {}, taken, activation.read_at))


def duel(seed: int) -> str | None:
    """One random graph, finished in random order: what the two disagree about, or None. Also looks for runs that are stuck."""
    rng = random.Random(seed)
    document = random_graph(rng)
    naive = NaiveFrame(document)
    first = random_targets(rng, document, "start")
    played = Played(parse_graph(as_json(document)), lambda path: first)
    step = naive.begin(first)
    for row in range(MOST_ROWS):
        wrong = _difference(played, step)
        if wrong:
            return f"seed {seed}, row {row}: {wrong}"
        if step.done:
            return _refold(played, seed)
        if not played.state.active:
            return f"seed {seed}, row {row}: stuck"
        activation = rng.choice(sorted(played.state.active.values(), key=lambda one: one.path))
        targets = random_targets(rng, document, activation.node)
        step = naive.finish(activation.node, activation.visit, targets)
        if document_kind(document, activation.node) == "terminate":
            played.record(events.Terminated(activation.path, True, None))
        else:
            played.finish(activation, targets)
    return _refold(played, seed)


def document_kind(document: Mapping[str, object], node: str) -> object:
    nodes = document["nodes"]
    assert isinstance(nodes, dict)
    return nodes[node]["kind"]


def _difference(played: Played, step: Step) -> str | None:
    state, graph = played.state, played.state.root.graph
    names = [*(node.id for node in graph.nodes), "start"]
    started = tuple((a.node, a.visit, tuple(sorted(names[token.source] for token in a.consumed))) for a in state.ready)
    withdrawn = sorted((a.node, a.visit) for a in state.withdrawn if not state.root.is_done)
    failed = state.root.failure.code if state.root.failure else None
    state.ready.clear()
    state.withdrawn.clear()
    state.ended.clear()
    if started != step.started:
        return f"started {started}, the naive model {step.started}"
    if not step.done and withdrawn != sorted(step.withdrawn):
        return f"withdrew {withdrawn}, the naive model {step.withdrawn}"
    if (failed, state.root.is_done) != (step.failed, step.done):
        return f"ended as {(failed, state.root.is_done)}, the naive model as {(step.failed, step.done)}"
    return None


def _refold(played: Played, seed: int) -> str | None:
    """The fold of the rows is the state that was live, from every kind of restart."""
    again = fold.begin(STARTED, Position(1), played.state.root.graph, {}, {})
    for at, event in enumerate(played.rows[1:], 2):
        fold.apply(again, event, Position(at))
    same = picture(again) == picture(played.state)
    return None if same else f"seed {seed}: the fold of the journal is not the live state"


def picture(state: RunState) -> tuple[object, ...]:
    """Everything a run's future depends on, comparable."""
    frames = {
        path: (
            frame.active,
            frame.pending,
            frame.spent,
            frame.fired,
            frame.tokens,
            frame.visits,
            frame.reached_end,
            frame.is_done,
            dict(frame.state),
        )
        for path, frame in state.frames.items()
    }
    active = {path: (one.visit, one.read_at, one.consumed, one.attempt, dict(one.state)) for path, one in state.active.items()}
    return (frames, active, state.steps, state.position, state.status)


@dataclass
class StructuredPlay:
    """A structured program on the fold, whatever runs finishing in random order."""

    case: Case
    rng: random.Random
    visits: Counter[str] = field(default_factory=Counter)
    played: Played = field(init=False)

    def __post_init__(self) -> None:
        self.played = Played(parse_graph(as_json(self.case.document)), lambda frame: self.case.decide(f"{frame}/start", "start"))

    def play(self) -> Counter[str]:
        """Visits per node. Raises when a frame fails or nothing is left to do."""
        state = self.played.state
        while True:
            self.settle()
            if state.root.is_done:
                assert state.root.failure is None, state.root.failure
                return self.visits
            running = sorted((one for one in state.active.values() if one.children is None), key=lambda one: one.path)
            self.finish(self.rng.choice(running))

    def settle(self) -> None:
        """Open the frames of maps that became ready, and close those that are done, until there are none."""
        state = self.played.state
        while state.ready or state.gathered or state.ended:
            if state.ready:
                self.count(state.ready.pop(0))
            elif state.gathered:
                self.finish(state.gathered.pop(0))
            elif (frame := state.ended.pop(0)).parent is not None:
                assert frame.failure is None, frame.failure
                self.played.record(events.FrameEnded(frame.path, None))

    def count(self, activation: Activation) -> None:
        self.visits[activation.node] += 1
        if activation.frame.graph.nodes[activation.index].kind == "map":
            inputs: tuple[dict[str, Json], ...] = tuple({} for _ in range(self.case.items(activation.path)))
            opened = events.FramesOpened(activation.path, inputs, items=tuple(range(len(inputs))), concurrency=3, is_map=True)
            self.played.record(opened)

    def finish(self, activation: Activation) -> None:
        self.played.finish(activation, self.case.decide(activation.path, activation.node))


def structured(seed: int) -> str | None:
    """One random program: how its visits differ from what its structure means, or None."""
    rng = random.Random(seed)
    case = random_case(rng)
    visits = StructuredPlay(case, rng).play()
    return None if visits == case.expected else f"seed {seed}: visits {visits}, the program means {case.expected}"

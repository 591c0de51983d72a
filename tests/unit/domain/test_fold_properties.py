"""A run is its rows, whatever way they are folded: properties over random runs."""

import json
import random
from collections import Counter
from collections.abc import Callable

import pytest

from application.documents import parse_graph
from domain.errors import Failure
from domain.graph.compiled import CompiledGraph
from domain.graph.definition import Limits, OnStarved
from domain.ids import Position
from domain.json import JsonObject
from domain.run import events, fold, snapshot
from domain.run.state import Activation, Frame, RunState
from tests.oracles.duel import Played, StructuredPlay, as_json, document_kind
from tests.oracles.graphs import random_graph, random_targets
from tests.oracles.structured import random_case
from tests.unit.domain.arrows import graph_of, oldest
from tests.unit.domain.story import SELF, Story, mapped

ABOUT: JsonObject = {"show": 1, "schema": {}, "who": [], "on_deadline": "fail", "escalate": None}


def random_flat(seed: int) -> tuple[list[events.Event], CompiledGraph]:
    """A random graph finished in random order, to its end or 60 rows. Some attempts fail, some nodes park or ask, some signals and answers
    come, and some breakpoints stop it."""
    rng = random.Random(seed)
    document = random_graph(rng)
    first = random_targets(rng, document, "start")
    played = Played(parse_graph(as_json(document)), lambda path: first)
    while played.state.active and not played.state.root.is_done and len(played.rows) < 60:
        activation = rng.choice(sorted(played.state.active.values(), key=lambda one: one.path))
        match rng.random():
            case chance if chance < 0.05:
                played.record(events.AttemptFailed(activation.path, Failure("boom", "it broke", activation.node), 9.0))
            case chance if chance < 0.1:
                played.record(events.NodeParked(activation.path, "timer", 9.0, {"woke_by": "timer"}))
            case chance if chance < 0.15:
                played.record(events.NodeParked(activation.path, "signal", None, None, (rng.choice("st"),)))
            case chance if chance < 0.2:
                played.record(events.SignalReceived(rng.choice("st"), len(played.rows)))
            case chance if chance < 0.35:
                played.record(_of_people(activation, played.state, chance, len(played.rows)))
            case _ if document_kind(document, activation.node) == "terminate":
                played.record(events.Terminated(activation.path, True, None))
            case _:
                played.finish(activation, random_targets(rng, document, activation.node))
    return played.rows, played.state.root.graph


def _of_people(activation: Activation, state: RunState, chance: float, rows: int) -> events.Event:
    """A question, its answer, a breakpoint, or the end of a pause."""
    if chance > 0.3 and state.is_paused:
        return events.Resumed("Ada")
    if chance > 0.3:
        return events.PauseRequested("breakpoint", "", activation.path)
    if activation.is_asking:
        return events.Answered(activation.path, {"at": rows}, "Ada")
    return events.NodeParked(activation.path, "human", None, None, (), ABOUT)


def random_structured(seed: int) -> tuple[list[events.Event], CompiledGraph]:
    """A random structured program with maps inside maps, finished in random order."""
    rng = random.Random(seed)
    play = StructuredPlay(random_case(rng), rng)
    play.play()
    return play.played.rows, play.played.state.root.graph


MAKERS = [pytest.param(random_flat, id="graphs of any shape"), pytest.param(random_structured, id="structured programs with maps")]
Maker = Callable[[int], tuple[list[events.Event], CompiledGraph]]
SEEDS = range(100)


def begun(rows: list[events.Event], graph: CompiledGraph) -> RunState:
    started = rows[0]
    assert isinstance(started, events.RunStarted)
    return fold.begin(started, Position(1), graph, {}, {})


def to_do(state: RunState) -> tuple[list[str], ...]:
    """What an engine that took the run now would do, in its order."""
    return (
        [one.path for one in state.ready],
        [one.path for one in state.gathered],
        [frame.path for frame in state.ended],
        [frame.path for frame in state.to_begin],
        [one.path for one in state.woken],
        [one.path for one in state.answered],
    )


@pytest.mark.parametrize("make", MAKERS)
def test_a_snapshot_at_any_row_goes_on_as_the_run_itself(make: Maker) -> None:
    for seed in SEEDS:
        rows, graph = make(seed)
        images = _images(rows, graph)
        for upto in range(1, len(rows)):
            loaded = snapshot.load(json.loads(images[upto - 1]), graph, {})
            assert to_do(loaded) == to_do(_folded(rows[:upto], graph)), (seed, upto)
            for at in range(upto, len(rows)):
                fold.apply(loaded, rows[at], Position(at + 1))
                if at < upto + 3 or at == len(rows) - 1:
                    assert json.dumps(snapshot.dump(loaded)) == images[at], (seed, upto, at)


def _images(rows: list[events.Event], graph: CompiledGraph) -> list[str]:
    state = begun(rows, graph)
    images = [json.dumps(snapshot.dump(state))]
    for at, event in enumerate(rows[1:], 2):
        images.append(json.dumps(snapshot.dump(fold.apply(state, event, Position(at)))))
    return images


def _folded(rows: list[events.Event], graph: CompiledGraph) -> RunState:
    state = begun(rows, graph)
    for at, event in enumerate(rows[1:], 2):
        fold.apply(state, event, Position(at))
    return fold.resume(state)


@pytest.mark.parametrize("make", MAKERS)
def test_a_run_taken_over_at_any_row_goes_on_as_the_run_itself(make: Maker) -> None:
    for seed in SEEDS:
        rows, graph = make(seed)
        images = _images(rows, graph)
        for upto in range(1, len(rows), 3):
            state = _folded(rows[:upto], graph)
            for at in range(upto, len(rows)):
                fold.apply(state, rows[at], Position(at + 1))
            assert json.dumps(snapshot.dump(state)) == images[-1], (seed, upto)


@pytest.mark.parametrize("make", MAKERS)
def test_no_token_is_lost(make: Maker) -> None:
    """Each one sent is held, consumed, absorbed by a spent node, dropped by a starved one, withdrawn by `cancel_rest`, or ended with its
    frame."""
    for seed in range(200):
        rows, graph = make(seed)
        state = begun(rows, graph)
        for at, event in enumerate(rows[1:], 2):
            assert _lost(state, event, at) == [], (seed, at)


def _lost(state: RunState, event: events.Event, at: int) -> list[str]:
    """Applies a row; the nodes whose tokens are gone without a reason."""
    frame = _frame_of(state, event)
    if frame is None:
        fold.apply(state, event, Position(at))
        return []
    state.ready.clear()
    graph = frame.graph
    sent = Counter(graph.index[target] for target in getattr(event, "taken", ()) if target in graph.index)
    kept = Counter({node: count for node, count in sent.items() if not frame.spent & graph.bit[node]})
    held = Counter({node: len(tokens) for node, tokens in frame.tokens.items()})
    fold.apply(state, event, Position(at))
    started = [one for one in state.ready if one.frame is frame and one.read_at == at]
    consumed = Counter(dict.fromkeys(graph.index.values(), 0))
    for one in started:
        consumed[one.index] += len(one.consumed)
    cancels = any(graph.joins[one.index].cancel_rest for one in started)
    left = {node: held[node] + kept[node] - consumed[node] - len(frame.tokens.get(node, ())) for node in graph.index.values()}
    may_drop = {node for node in left if frame.is_done or cancels or graph.joins[node].on_starved is OnStarved.DROP}
    return [graph.nodes[node].id for node, count in left.items() if count < 0 or (count and node not in may_drop)]


def _frame_of(state: RunState, event: events.Event) -> Frame | None:
    """Where a row delivers tokens."""
    match event:
        case events.FrameBegun(frame):
            return state.frames[frame]
        case events.NodeFinished(activation) | events.NodeFailed(activation):
            return state.active[activation].frame
    return None


def test_a_run_that_met_its_limit_can_be_loaded_from_a_snapshot() -> None:
    story = mapped(5, limits=Limits(steps=3))

    loaded = snapshot.load(json.loads(json.dumps(snapshot.dump(story.state))), story.graph, {SELF: story.graph})

    assert (loaded.failure, loaded.root.is_done) == (story.state.failure, True)


def test_a_snapshot_keeps_the_order_in_which_activations_became_ready() -> None:
    story = Story(graph_of(["a -> b", "a -> c", "b -> e", "c -> d"])).finish("/a#1").finish("/c#1").finish("/b#1")

    loaded = snapshot.load(json.loads(json.dumps(snapshot.dump(story.state))), story.graph, {})

    assert [one.path for one in loaded.ready] == [one.path for one in fold.resume(story.state).ready] == ["/d#1", "/e#1"]
    assert oldest(loaded, "d").consumed == oldest(story.state, "d").consumed

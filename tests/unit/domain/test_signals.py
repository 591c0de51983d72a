"""How signals meet those that wait for them."""

import json
from collections import Counter, deque
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.ids import ActivationPath, Position
from domain.run import events, fold, snapshot
from tests.unit.domain.arrows import graph_of
from tests.unit.domain.story import SELF, Story

THREE = ["start -> a", "start -> b", "start -> c"]


def three() -> Story:
    return Story(graph_of(THREE))


def parked(path: str, *names: str) -> events.NodeParked:
    return events.NodeParked(ActivationPath(path), "signal", None, None, names)


def sent(name: str, payload: int = 0, *, transient: bool = False) -> events.SignalReceived:
    return events.SignalReceived(name, payload, transient)


def woken(story: Story) -> dict[str, int]:
    """Who has which signal."""
    return {path: one.woken_by.payload for path, one in story.state.active.items() if one.woken_by}  # type: ignore[misc]


@pytest.mark.parametrize(
    ("rows", "expected", "kept"),
    [
        pytest.param([parked("/a#1", "s"), sent("s", 1)], {"/a#1": 1}, 0, id="it wakes the one that waits"),
        pytest.param([sent("s", 1), parked("/a#1", "s")], {"/a#1": 1}, 0, id="kept it wakes the next one that waits"),
        pytest.param([sent("s", 1), sent("s", 2), parked("/a#1", "s")], {"/a#1": 1}, 1, id="the oldest kept one is taken"),
        pytest.param([parked("/b#1", "s"), parked("/a#1", "s"), sent("s", 1)], {"/b#1": 1}, 0, id="the one parked first is woken"),
        pytest.param([parked("/a#1", "s"), sent("t", 1)], {}, 1, id="another name wakes nobody"),
        pytest.param([parked("/a#1", "s"), sent("s", 1), sent("s", 2)], {"/a#1": 1}, 1, id="one wait takes one"),
        pytest.param([parked("/a#1", "s", "t"), sent("t", 1)], {"/a#1": 1}, 0, id="any of its names wakes it"),
        pytest.param([sent("t", 1), sent("s", 2), parked("/a#1", "s", "t")], {"/a#1": 1}, 1, id="of several names the oldest"),
        pytest.param([sent("s", 1, transient=True), parked("/a#1", "s")], {}, 0, id="a transient one is not kept"),
        pytest.param([parked("/a#1", "s"), sent("s", 1, transient=True)], {"/a#1": 1}, 0, id="a transient one wakes who waits"),
        pytest.param(
            [parked("/a#1", "s"), events.NodeFinished(ActivationPath("/a#1"), {}, (), Position(1)), sent("s", 1)],
            {},
            1,
            id="nobody is woken twice: its time came first",
        ),
    ],
)
def test_a_signal(rows: list[events.Event], expected: dict[str, int], kept: int) -> None:
    story = three()
    for row in rows:
        story.row(row)

    assert (woken(story), len(story.state.kept)) == (expected, kept)


def test_one_that_was_withdrawn_takes_no_signal() -> None:
    story = three().row(parked("/a#1", "s")).row(events.CancelRequested("me")).row(sent("s"))

    assert (story.state.listening, len(story.state.kept)) == ({}, 1)


def test_a_woken_one_reads_at_the_row_that_woke_it() -> None:
    story = three().row(parked("/a#1", "s")).row(sent("s"))

    assert story.state.active[ActivationPath("/a#1")].read_at == 3


def test_after_a_fold_of_old_rows_it_is_still_woken_and_not_executed_again() -> None:
    story = three().row(parked("/a#1", "s")).row(parked("/b#1", "s")).row(sent("s"))

    state = fold.resume(story.state)
    assert ([one.path for one in state.woken], [one.path for one in state.ready]) == (["/a#1"], ["/b#1", "/c#1"])


def test_a_checkpoint_from_before_there_were_signals_can_be_read() -> None:
    plain = json.loads(json.dumps(snapshot.dump(three().state)))
    for name in ("paused", "forgiven", "kept", "listening"):
        del plain[name]
    for activation in plain["root"]["running"]:
        del activation["signals"], activation["woken_by"]

    loaded = snapshot.load(plain, three().graph, {SELF: three().graph})
    assert (loaded.is_paused, loaded.forgiven, loaded.kept, loaded.listening) == (False, 0.0, [], {})


NAMES = ("s", "t", "u")
WORD = st.one_of(
    st.tuples(st.just("park"), st.sets(st.sampled_from(NAMES), min_size=1)),
    st.tuples(st.just("send"), st.sampled_from(NAMES)),
    st.tuples(st.just("finish"), st.integers(0, 9)),
    st.tuples(st.just("time"), st.integers(0, 9)),
    st.tuples(st.just("load"), st.none()),
)


@dataclass
class Model:
    """What the page says, in lists: who waits in order of parking, what is kept in order of arrival."""

    waiting: list[tuple[str, set[str]]] = field(default_factory=list)
    kept: deque[tuple[str, int]] = field(default_factory=deque)
    has: dict[str, int] = field(default_factory=dict)

    def send(self, name: str, number: int) -> None:
        for at, (path, names) in enumerate(self.waiting):
            if name in names:
                del self.waiting[at]
                self.has[path] = number
                return
        self.kept.append((name, number))

    def park(self, path: str, names: set[str]) -> None:
        for signal in self.kept:
            if signal[0] in names:
                self.kept.remove(signal)
                self.has[path] = signal[1]
                return
        self.waiting.append((path, names))


@settings(max_examples=300, deadline=None)
@given(st.lists(WORD, max_size=40))
def test_whatever_the_order_each_wait_gets_one_signal_at_most_and_none_is_lost(words: list[tuple[str, object]]) -> None:
    nodes = [f"n{number}" for number in range(12)]
    story, model, free = Story(graph_of([f"start -> {node}" for node in nodes])), Model(), deque(f"/{node}#1" for node in nodes)
    taken: Counter[int] = Counter()
    sent_so_far = 0
    for word, what in words:
        match word:
            case "park" if free and isinstance(what, set):
                path = free.popleft()
                model.park(path, what)
                story.row(parked(path, *sorted(what)))
            case "send":
                sent_so_far += 1
                model.send(str(what), sent_so_far)
                story.row(sent(str(what), sent_so_far))
            case "finish" if isinstance(what, int) and what < len(model.has):
                path = sorted(model.has)[what]
                taken[model.has.pop(path)] += 1
                story.finish(path)
            case "time" if isinstance(what, int) and what < len(model.waiting):
                story.finish(model.waiting.pop(what)[0])
            case "load":
                plain = json.loads(json.dumps(snapshot.dump(story.state)))
                story.state = snapshot.load(plain, story.graph, {SELF: story.graph})
        assert woken(story) == model.has
        assert [signal.payload for signal in story.state.kept] == [number for _, number in model.kept]
    everywhere = taken + Counter(woken(story).values()) + Counter(number for _, number in model.kept)
    assert everywhere == Counter(range(1, sent_so_far + 1))

"""What a run's rows tell about each visit."""

import pytest

from application.activations import ActivationLog
from domain.errors import Failure
from domain.ids import ActivationPath, FramePath, NodeId, Position
from domain.run.events import (
    Answered,
    AttemptFailed,
    Event,
    FrameBegun,
    FrameEnded,
    FramesOpened,
    NodeFailed,
    NodeFinished,
    NodeParked,
    RunEnded,
    Terminated,
    UsageCounted,
)
from domain.usage import Usage

A, B = ActivationPath("/a#1"), ActivationPath("/a#1[2]/b#3")
NO = Failure("node_failed", "no", "a")
CALL = Usage("parrot", 1, 1)


def finished(path: ActivationPath = A) -> NodeFinished:
    return NodeFinished(path, {}, (), Position(0), seconds=1.5)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        pytest.param([finished()], {A: ("finished", 1)}, id="a visit that went well"),
        pytest.param([AttemptFailed(A, NO, 0.0)], {A: ("retrying", 1)}, id="a first attempt that failed"),
        pytest.param(
            [AttemptFailed(A, NO, 0.0), AttemptFailed(A, NO, 0.0), finished()], {A: ("finished", 3)}, id="a third attempt went well"
        ),
        pytest.param([AttemptFailed(A, NO, 0.0), NodeFailed(A, NO)], {A: ("failed", 2)}, id="the last attempt failed too"),
        pytest.param([NodeParked(A, "timer", 1.0)], {A: ("parked", 1)}, id="a visit that waits"),
        pytest.param([NodeParked(A, "human", about={}), Answered(A, 1, "Ada")], {A: ("running", 1)}, id="a visit that was answered"),
        pytest.param([NodeParked(A, "timer", 1.0), finished()], {A: ("finished", 1)}, id="a visit that was woken"),
        pytest.param([FramesOpened(A, ()), finished(B)], {A: ("running", 1), B: ("finished", 1)}, id="a visit with child frames"),
        pytest.param([NodeFailed(A, NO, cancelled=(B,))], {A: ("failed", 1), B: ("cancelled", 1)}, id="a failure cancels its siblings"),
        pytest.param([Terminated(A, True, None, (B,))], {A: ("finished", 1), B: ("cancelled", 1)}, id="an early end cancels the rest"),
        pytest.param([FrameEnded(FramePath("/a#1[2]"), cancelled=(B,))], {B: ("cancelled", 1)}, id="a frame that ends cancels its rest"),
        pytest.param([UsageCounted(A, CALL)], {A: ("cancelled", 1)}, id="a call that was cut off"),
        pytest.param(
            [NodeParked(A, "timer", 1.0), RunEnded("cancelled")], {A: ("cancelled", 1)}, id="the run's end ends what was under way"
        ),
        pytest.param([finished(), RunEnded("failed")], {A: ("finished", 1)}, id="the run's end leaves what was done"),
        pytest.param([FrameBegun(FramePath(""), (NodeId("a"),))], {}, id="a row that is about no visit"),
    ],
)
def test_a_visit_is_told_from_its_rows(rows: list[Event], told: dict[ActivationPath, tuple[str, int]]) -> None:
    log = ActivationLog()
    for row in rows:
        log.see(row)

    assert {view.path: (view.status, view.attempts) for view in log.newest(10)} == told


def test_the_last_heard_of_comes_last_and_the_oldest_are_left_out() -> None:
    log = ActivationLog()
    for path in ("/a#1", "/b#1", "/c#1"):
        log.see(NodeParked(ActivationPath(path), "timer", 1.0))
    log.see(finished(A))

    assert [view.path for view in log.newest(2)] == ["/c#1", "/a#1"]


def test_a_visit_names_its_node_and_its_last_attempt() -> None:
    log = ActivationLog()
    log.see(AttemptFailed(B, NO, 0.0))
    log.see(finished(B))

    (view,) = log.newest(1)
    assert (view.node, view.seconds, view.error and view.error.code) == ("b", 1.5, "node_failed")

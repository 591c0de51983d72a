"""What a schedule does while its runs go on, and when they cannot be started."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.errors import Failure
from domain.ids import RunId, ScheduleId, TenantId
from domain.schedule import Act, Firing, FiringState, Overlap, Schedule, act_for, wrong_with

NOON = datetime(2026, 5, 4, 12, 0, 0, tzinfo=UTC)
HOURLY = Schedule(ScheduleId("s"), TenantId("t"), NOON, "report", every_seconds=3600, due_at=NOON)


def firings(*states: FiringState) -> tuple[Firing, ...]:
    why = Failure("workflow_not_found", "there is no workflow report")
    return tuple(Firing(HOURLY.id, NOON + timedelta(hours=n), RunId(str(n)), state, why) for n, state in enumerate(states))


@pytest.mark.parametrize(
    ("overlap", "free", "busy", "busy_and_one_waits"),
    [
        pytest.param(Overlap.SKIP, Act.START, Act.SKIP, Act.SKIP, id="skip"),
        pytest.param(Overlap.ALLOW, Act.START, Act.START, Act.START, id="allow"),
        pytest.param(Overlap.QUEUE_ONE, Act.START, Act.WAIT, Act.SKIP, id="queue one"),
        pytest.param(Overlap.CANCEL_PREVIOUS, Act.START, Act.CANCEL_AND_START, Act.CANCEL_AND_START, id="cancel previous"),
    ],
)
def test_what_a_firing_does(overlap: Overlap, free: Act, busy: Act, busy_and_one_waits: Act) -> None:
    assert act_for(overlap, is_busy=False, has_waiting=False) is free
    assert act_for(overlap, is_busy=True, has_waiting=False) is busy
    assert act_for(overlap, is_busy=True, has_waiting=True) is busy_and_one_waits


def test_ten_failures_in_a_row_pause_it_and_it_says_why() -> None:
    nine = HOURLY.told(firings(*[FiringState.FAILED] * 9))
    ten = nine.told(firings(FiringState.FAILED))

    assert (nine.paused, nine.failures, nine.due_at) == (False, 9, NOON)
    assert (ten.paused, ten.due_at) == (True, None)
    assert ten.pause_reason == "10 starts in a row failed, the last one with: there is no workflow report"


def test_a_start_ends_the_row_and_what_was_not_tried_does_not() -> None:
    failing = replace(HOURLY, failures=9)

    assert failing.told(firings(FiringState.STARTED)).failures == 0
    assert failing.told(firings(FiringState.SKIPPED, FiringState.MISSED)).failures == 9
    assert not failing.told(firings(FiringState.STARTED, FiringState.FAILED)).paused


@pytest.mark.parametrize(
    ("schedule", "members"),
    [
        pytest.param(HOURLY, [], id="one of both"),
        pytest.param(replace(HOURLY, cron="* * * * *"), ["cron"], id="cron and seconds"),
        pytest.param(replace(HOURLY, every_seconds=None), ["cron"], id="neither"),
        pytest.param(replace(HOURLY, starts_at=NOON, ends_at=NOON - timedelta(1)), ["ends_at"], id="an end before the start"),
    ],
)
def test_members_that_do_not_go_together(schedule: Schedule, members: list[str]) -> None:
    assert [member for member, _ in wrong_with(schedule)] == members

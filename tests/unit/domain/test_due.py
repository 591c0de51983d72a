"""When something is due: tables, and what holds for all of them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.due import Plan, between, every, first_times, plan

NOON = datetime(2026, 5, 4, 12, 0, 0, tzinfo=UTC)
MINUTELY = every(60, NOON)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        pytest.param(-500, 0, id="before the anchor: the anchor"),
        pytest.param(-0.000001, 0, id="a moment before is still before"),
        pytest.param(0, 60, id="what is due now is not due next"),
        pytest.param(59.5, 60, id="within a step: its end"),
        pytest.param(60, 120, id="on a step: the one after"),
    ],
)
def test_every_so_many_seconds(after: float, expected: float) -> None:
    assert MINUTELY(at(after)) == at(expected)


@pytest.mark.parametrize(
    ("starts", "ends", "after", "expected"),
    [
        pytest.param(60, None, -500, 60, id="the start is due itself"),
        pytest.param(61, None, -500, 120, id="what is before the start is not"),
        pytest.param(60, None, 200, 240, id="after the start as ever"),
        pytest.param(None, 120, 60, 120, id="the end is due itself"),
        pytest.param(None, 119, 60, None, id="after the end nothing is"),
        pytest.param(None, 120, 120, None, id="nor when it has passed"),
    ],
)
def test_a_start_and_an_end_bound_it(starts: float | None, ends: float | None, after: float, expected: float | None) -> None:
    bounded = between(MINUTELY, None if starts is None else at(starts), None if ends is None else at(ends))
    assert bounded(at(after)) == (None if expected is None else at(expected))


def planned(now: float, catch_up: float = 0, step: int = 60, ends: float | None = None) -> Plan:
    """Of a schedule that was due at 0 for the first time."""
    return plan(at(0), at(now), timedelta(seconds=catch_up), between(every(step, NOON), None, None if ends is None else at(ends)))


@pytest.mark.parametrize(
    ("result", "due", "missed", "then"),
    [
        pytest.param(planned(0), [0], None, 60, id="on the second"),
        pytest.param(planned(30), [0], None, 60, id="half a minute late is on time"),
        pytest.param(planned(30.001), [], 0, 60, id="a moment later it is missed"),
        pytest.param(planned(70), [60], 0, 120, id="the newest fires, the one before is missed"),
        pytest.param(planned(70, catch_up=100), [0, 60], None, 120, id="both when that is made up for"),
        pytest.param(planned(200, catch_up=100), [120, 180], 0, 240, id="only those within the time that is made up for"),
        pytest.param(planned(3, step=1), [0, 1, 2, 3], None, 4, id="a little late costs a quick schedule nothing"),
        pytest.param(planned(500, catch_up=500, step=1), [*range(401, 501)], 0, 501, id="a hundred at most, the newest"),
        pytest.param(planned(500, catch_up=500, ends=120), [0, 60, 120], None, None, id="what ended meanwhile is made up for, and over"),
        pytest.param(planned(5000, ends=120), [], 0, None, id="what ended long ago is missed, and over"),
    ],
)
def test_what_to_do_about_due_times_that_have_come(result: Plan, due: list[float], missed: float | None, then: float | None) -> None:
    assert result.due == tuple(map(at, due))
    assert (result.missed, result.then) == (None if missed is None else at(missed), None if then is None else at(then))


def test_a_year_of_seconds_that_nobody_looked_at_is_not_counted_one_by_one() -> None:
    asked = 0

    def counted(after: datetime) -> datetime | None:
        nonlocal asked
        asked += 1
        return every(1, NOON)(after)

    found = plan(at(0), at(365 * 86_400), timedelta(days=7), counted)

    assert (len(found.due), found.due[-1]) == (100, at(365 * 86_400))
    assert asked < 1_000


@given(
    step=st.integers(1, 5_000),
    catch_up=st.integers(0, 20_000),
    looks=st.lists(st.floats(0.001, 4_000, allow_nan=False), min_size=1, max_size=15),
)
def test_no_due_time_is_in_two_plans_and_they_only_grow(step: int, catch_up: int, looks: list[float]) -> None:
    next_time = every(step, NOON)
    due_at, now = next_time(NOON), NOON
    fired: list[datetime] = []
    for seconds in looks:
        now += timedelta(seconds=seconds)
        if due_at is not None and due_at <= now:
            found = plan(due_at, now, timedelta(seconds=catch_up), next_time)
            assert found.then is not None
            assert found.then > now
            assert all(due_at <= due <= now for due in found.due)
            fired += found.due
            due_at = found.then

    assert fired == sorted(set(fired))


@given(step=st.integers(1, 10**8), after=st.integers(-(10**15), 5 * 10**15).map(lambda instants: NOON + timedelta(microseconds=instants)))
def test_next_times_strictly_grow(step: int, after: datetime) -> None:
    times = first_times(every(step, NOON), after, 5)
    assert all(earlier < later for earlier, later in zip((after, *times), times, strict=False))

"""Cron expressions by the clocks of a zone, and what these do twice a year."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.due import first_times
from domain.errors import ValidationError
from infrastructure.calendar import CronCalendar

BERLIN = "Europe/Berlin"


def due(written: str, after: str, count: int = 3, zone: str = BERLIN) -> list[str]:
    """Day, time and offset by the clocks of the zone; `after` too, with or without an offset."""
    moment = datetime.fromisoformat(after)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))
    times = first_times(CronCalendar().cron(written, zone), moment.astimezone(UTC), count)
    assert all(time.tzinfo is UTC for time in times)
    return [f"{time.astimezone(ZoneInfo(zone)):%d %H:%M:%S %z}" for time in times]


@pytest.mark.parametrize(
    ("written", "after", "expected"),
    [
        pytest.param("0 9 * * MON-FRI", "2026-05-01T12:00", ["04 09:00:00 +0200", "05 09:00:00 +0200"], id="weekdays"),
        pytest.param("15 30 9 * * *", "2026-05-01T12:00", ["02 09:30:15 +0200", "03 09:30:15 +0200"], id="seconds first"),
        pytest.param("0 0 L * *", "2026-02-01T12:00", ["28 00:00:00 +0100", "31 00:00:00 +0200"], id="the last of the month"),
        pytest.param("0 12 28-30 3 *", "2026-03-28T06:00", ["28 12:00:00 +0100", "29 12:00:00 +0200"], id="noon stays noon"),
    ],
)
def test_a_cron_expression_means_the_clocks_of_its_zone(written: str, after: str, expected: list[str]) -> None:
    assert due(written, after, 2) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param("30 2 * * *", ["29 03:00:00 +0200", "30 02:30:00 +0200", "31 02:30:00 +0200"], id="daily: at once after the gap"),
        pytest.param("0,30 2 * * *", ["29 03:00:00 +0200", "30 02:00:00 +0200", "30 02:30:00 +0200"], id="two in the gap are one"),
        pytest.param("0 * * * *", ["29 01:00:00 +0100", "29 03:00:00 +0200", "29 04:00:00 +0200"], id="hourly: every real hour"),
        pytest.param("0 30 2 * * *", ["30 02:30:00 +0200", "31 02:30:00 +0200", "01 02:30:00 +0200"], id="with seconds: not that day"),
    ],
)
def test_when_clocks_go_forward(written: str, expected: list[str]) -> None:
    assert due(written, "2026-03-29T00:30") == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param("30 2 * * *", ["25 02:30:00 +0200", "26 02:30:00 +0100", "27 02:30:00 +0100"], id="daily: once, the first time"),
        pytest.param("0 * * * *", ["25 02:00:00 +0200", "25 02:00:00 +0100", "25 03:00:00 +0100"], id="hourly: every real hour"),
        pytest.param("0 30 2 * * *", ["25 02:30:00 +0200", "25 02:30:00 +0100", "26 02:30:00 +0100"], id="with seconds: both times"),
    ],
)
def test_when_clocks_go_back(written: str, expected: list[str]) -> None:
    assert due(written, "2026-10-25T01:30") == expected


def test_within_the_hour_that_comes_twice_nothing_that_is_over_is_due() -> None:
    assert due("45 2 * * *", "2026-10-25T02:30+01:00", 1) == ["26 02:45:00 +0100"]


@given(
    written=st.sampled_from(
        ["30 2 * * *", "*/7 * * * *", "0 */3 * * *", "5 5 5 * * *", "0,30 1,2,3 * * SUN", "0 0 1 * *", "59 59 23 * * *"]
    ),
    zone=st.sampled_from([BERLIN, "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Asia/Kolkata", "UTC"]),
    after=st.integers(0, 3 * 365 * 86_400).map(lambda seconds: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)),
)
def test_next_times_strictly_grow(written: str, zone: str, after: datetime) -> None:
    times = first_times(CronCalendar().cron(written, zone), after, 8)
    assert len(times) == 8
    assert all(earlier < later for earlier, later in zip((after, *times), times, strict=False))


@given(day=st.integers(20, 28), minute=st.integers(0, 1439), second=st.integers(0, 59))
def test_around_the_hour_that_comes_twice_they_grow_too(day: int, minute: int, second: int) -> None:
    after = datetime(2026, 10, day, minute // 60, minute % 60, second, tzinfo=UTC)
    times = first_times(CronCalendar().cron("15,45 2 * * *", BERLIN), after, 4)
    assert all(earlier < later for earlier, later in zip((after, *times), times, strict=False))


@pytest.mark.parametrize(
    ("written", "zone", "pointer"),
    [
        pytest.param("* * * *", "UTC", "/cron", id="four fields"),
        pytest.param("61 * * * *", "UTC", "/cron", id="minute 61"),
        pytest.param("0 9 * * FUNDAY", "UTC", "/cron", id="a day that is none"),
        pytest.param("0 9 * * *", "Europe/Atlantis", "/time_zone", id="a zone that is none"),
        pytest.param("0 9 * * *", "Europe", "/time_zone", id="a folder of zones"),
        pytest.param("0 9 * * *", "../Europe/Berlin", "/time_zone", id="a way out of the folder"),
    ],
)
def test_what_is_neither_is_refused_with_a_pointer(written: str, zone: str, pointer: str) -> None:
    with pytest.raises(ValidationError) as refused:
        CronCalendar().cron(written, zone)
    assert [problem.pointer for problem in refused.value.problems] == [pointer]


def test_a_time_that_never_comes_is_no_time() -> None:
    assert CronCalendar().cron("* * */20 * 1L", "UTC")(datetime(2026, 1, 1, tzinfo=UTC)) is None

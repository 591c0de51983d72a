"""When something that comes again and again is due: pure functions over moments, all of them in UTC."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, takewhile
from typing import Final, TypeAlias

NextTime: TypeAlias = Callable[[datetime], datetime | None]
"""The first due time after a moment, always later than it; None: never again."""

LATE_SECONDS: Final = 30.0
"""What is so late is still on time: a restart costs no firing."""
MOST_CAUGHT_UP: Final = 100
_INSTANT = timedelta(microseconds=1)
_WIDER: Final = 4


@dataclass(frozen=True, slots=True)
class Plan:
    """`due`: what fires now, oldest first. `missed`: the first of those that do not fire any more. `then`: when to look again."""

    due: tuple[datetime, ...]
    missed: datetime | None
    then: datetime | None


def every(seconds: int, anchor: datetime) -> NextTime:
    """At the anchor, and each time so many seconds have passed since."""
    step = timedelta(seconds=seconds)

    def next_time(after: datetime) -> datetime | None:
        return anchor if after < anchor else anchor + ((after - anchor) // step + 1) * step

    return next_time


def between(next_time: NextTime, starts_at: datetime | None, ends_at: datetime | None) -> NextTime:
    """Nothing before the one moment, nothing after the other; what is due at either is due."""

    def bounded(after: datetime) -> datetime | None:
        found = next_time(after if starts_at is None or after >= starts_at else starts_at - _INSTANT)
        return None if found is None or (ends_at is not None and found > ends_at) else found

    return bounded


def upcoming(next_time: NextTime, after: datetime) -> Iterator[datetime]:
    """Every due time after a moment, in order."""
    while (found := next_time(after)) is not None:
        yield found
        after = found


def first_times(next_time: NextTime, after: datetime, count: int) -> tuple[datetime, ...]:
    return tuple(islice(upcoming(next_time, after), count))


def plan(next_due: datetime, now: datetime, catch_up: timedelta, next_time: NextTime, most: int = MOST_CAUGHT_UP) -> Plan:
    """What to do about a due time that has come. Each due time is in one plan only, when the next plan begins with `then`."""
    horizon = now - max(catch_up, timedelta(seconds=LATE_SECONDS))
    first = next_due if next_due >= horizon else next_time(horizon - _INSTANT)
    due, dropped = _newest(next_time, first, now, most) if first is not None else ((), None)
    missed = next_due if next_due < horizon else dropped
    return Plan(due, missed, next_time(max(now, next_due)))


def _newest(next_time: NextTime, first: datetime, now: datetime, most: int) -> tuple[tuple[datetime, ...], datetime | None]:
    """The newest due times from `first` to now, at most so many, and `first` when it is not among them.

    It looks back further and further, so that a long outage of a quick schedule costs no more than a short one.
    """
    span = timedelta(seconds=most)
    while True:
        start = max(first, now - span)
        found = deque(takewhile(lambda due: due <= now, upcoming(next_time, start - _INSTANT)), most + 1)
        if start == first or len(found) > most:
            newest = tuple(found)[-most:]
            return newest, first if newest and newest[0] > first else None
        span *= _WIDER

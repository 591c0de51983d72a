"""Times, zones and sums of both, for the tool `datetime`."""

import calendar
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from domain.errors import ToolError
from domain.json import Json

_DIRECTIVES: Final = re.compile(r"(?:[^%]|%[aAbBdfGHIjmMpSuUVwWyYzZ%])*")
"""Those of strftime that mean the same on every machine; C libraries read a width like `%1000000d` too."""


def zone_named(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    # A name that leads out of the folder, or to a folder, is no zone either.
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ToolError(f"there is no time zone {name!r}; zones are named like `Europe/Berlin` or `UTC`", "unknown_timezone") from None


def strict_format(pattern: str) -> str:
    if not _DIRECTIVES.fullmatch(pattern):
        raise ToolError(
            f"{pattern!r} is no time format: after % comes one letter of aAbBdfGHIjmMpSuUVwWyYzZ or another %", "invalid_format"
        )
    return pattern


def moment(text: str, zone: tzinfo, pattern: str | None = None) -> datetime:
    """The time `text` names, in `zone`; without an offset of its own it is meant there."""
    try:
        read = datetime.strptime(text, strict_format(pattern)) if pattern else datetime.fromisoformat(text)  # noqa: DTZ007 - zoned below
    except (ValueError, re.error) as error:
        raise ToolError(f"{text!r} is no time: {error}", "invalid_time") from None
    return (read if read.tzinfo else read.replace(tzinfo=zone)).astimezone(zone)


def added(time: datetime, amounts: Mapping[str, float]) -> datetime:
    """First the calendar of the time's own zone (the 31st becomes the last day of a shorter month), then what passes on a clock."""
    on_the_calendar = _months_later(time, int(12 * amounts.get("years", 0) + amounts.get("months", 0)))
    on_the_calendar += timedelta(weeks=int(amounts.get("weeks", 0)), days=int(amounts.get("days", 0)))
    passing = timedelta(**{unit: amounts.get(unit, 0) for unit in ("hours", "minutes", "seconds")})
    return (on_the_calendar.astimezone(UTC) + passing).astimezone(time.tzinfo)


def _months_later(time: datetime, months: int) -> datetime:
    year, month = divmod(time.year * 12 + time.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        raise OverflowError(year)
    return time.replace(year=year, month=month + 1, day=min(time.day, calendar.monthrange(year, month + 1)[1]))


def written(time: datetime, zone: tzinfo) -> Json:
    return {
        "time": time.isoformat(),
        "timezone": str(zone),
        "weekday": calendar.day_name[time.weekday()],
        "unix": time.timestamp(),
    }

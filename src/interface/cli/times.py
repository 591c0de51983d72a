"""Times as people say them on the command line."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from interface.cli.failures import CommandFailed

_AGO: Final = re.compile(r"([0-9]{1,6})([dhm])")


def time_of(text: str | None, now: datetime, option: str) -> str | None:
    """`7d`: the beginning of the day six days ago, so that seven days are seen; `24h`; `30m`; a day; or a time."""
    if text is None:
        return None
    ago = _AGO.fullmatch(text)
    try:
        return _written(text) if ago is None else _before(now, int(ago[1]), ago[2]).isoformat()
    except (ValueError, OverflowError) as error:
        raise CommandFailed(f"{option} {text}: say 7d, 24h, 30m, 2026-05-04 or 2026-05-04T12:00:00Z") from error


def _written(text: str) -> str:
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).isoformat()


def _before(now: datetime, count: int, unit: str) -> datetime:
    if unit == "d":
        return now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=max(count - 1, 0))
    return now - (timedelta(hours=count) if unit == "h" else timedelta(minutes=count))

"""When a server says to come again: `Retry-After` in its two forms (RFC 9110)."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

_SECONDS: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_LONGEST: Final = 100


def seconds_of(said: str) -> float | None:
    """A plain number, which some write with a fraction; None for anything else."""
    return float(said) if _SECONDS.fullmatch(said.strip()) else None


def retry_after(said: str, now: datetime) -> float | None:
    """Seconds from `now`, from a number or a date; None when it says neither."""
    if (seconds := seconds_of(said)) is not None:
        return seconds
    try:
        at = parsedate_to_datetime(said[:_LONGEST])
        return max(0.0, ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds())
    except (ValueError, OverflowError):
        return None

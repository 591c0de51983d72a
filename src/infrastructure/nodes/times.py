"""Durations and moments as authors write them, and as expressions give them."""

from collections.abc import Callable
from datetime import datetime
from math import isfinite
from typing import Final

from domain.json import Json
from domain.ports.nodes import LONGEST_SECONDS

NO_DURATION: Final = (
    f"`seconds` must be a number that is not negative and at most {LONGEST_SECONDS:,} (ten years), or `${{...}}` that gives one"
)
NO_MOMENT: Final = (
    "`until` must be a time with its zone, as 2030-01-31T09:00:00Z, or seconds since 1970, not more than ten years ahead, "
    "or `${...}` that gives one"
)
_END_OF_DATES: Final = 253_402_300_799
"""The last second that has a date."""


def duration_of(value: Json) -> float | None:
    """Seconds; None for what is no duration."""
    number = _number(value)
    return number if number is not None and 0 <= number <= LONGEST_SECONDS else None


def moment_of(value: Json) -> float | None:
    """Seconds since the epoch, of a number of them or of an RFC 3339 time with its zone; None for anything else."""
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return None
        return None if moment.tzinfo is None else moment.timestamp()
    number = _number(value)
    return number if number is not None and 0 <= number <= _END_OF_DATES else None


def is_written(value: Json, read: Callable[[Json], float | None]) -> bool:
    """An expression, or a literal that `read` understands."""
    return (isinstance(value, str) and "${" in value) or read(value) is not None


def _number(value: Json) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return None
    return value

"""Waiting for what another process does: look, and look again, until it is so or the time is over."""

import time
from collections.abc import Callable
from typing import TypeVar

Seen = TypeVar("Seen")

_LEAST_PAUSE_SECONDS, _MOST_PAUSE_SECONDS = 0.01, 0.25
_PAUSES_PER_LOOK = 4
"""Whoever waits leaves the processor to those it waits for: looking takes a fifth of the time."""


def until(look: Callable[[], Seen | None], what: str, seconds: float = 30.0) -> Seen:
    """The first answer of `look` that is not empty, false or None. AssertionError with `what`, and what was seen last, when none came."""
    deadline = time.monotonic() + seconds
    began = time.monotonic()
    while not (seen := look()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}; seen last: {seen!r}"
        time.sleep(_pause_after(time.monotonic() - began))
        began = time.monotonic()
    return seen


def _pause_after(looked_seconds: float) -> float:
    return min(max(_PAUSES_PER_LOOK * looked_seconds, _LEAST_PAUSE_SECONDS), _MOST_PAUSE_SECONDS)

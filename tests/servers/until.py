"""Waiting for what another process does: look, and look again, until it is so or the time is over."""

import time
from collections.abc import Callable
from typing import TypeVar

Seen = TypeVar("Seen")

_PAUSE_SECONDS = 0.01


def until(look: Callable[[], Seen | None], what: str, seconds: float = 30.0) -> Seen:
    """The first answer of `look` that is not empty, false or None. AssertionError with `what`, and what was seen last, when none came."""
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}; seen last: {seen!r}"
        time.sleep(_PAUSE_SECONDS)
    return seen

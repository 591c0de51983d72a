"""How long to wait before a server is tried again."""

import random
from typing import Final

SHORTEST: Final = 0.5
LONGEST: Final = 60.0
STEADY_SECONDS: Final = 30.0
"""A connection that held so long ends a row of failures."""


class Backoff:
    """Twice as long each time, and never quite as long as another process waits."""

    def __init__(self) -> None:
        self._tries = 0

    def next(self, held_seconds: float) -> float:
        self._tries = 0 if held_seconds >= STEADY_SECONDS else self._tries
        longest = min(LONGEST, SHORTEST * 2.0**self._tries)
        self._tries = min(self._tries + 1, 16)
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - nobody guards anything with it

"""How far a tool is, told to whoever watches: the newest words of a tenth of a second, the others are forgotten."""

import asyncio
from typing import Final

from domain.ids import ActivationPath, RunId
from domain.ports.clock import Clock
from domain.ports.feed import Feed, Passing
from domain.words import shown

EVERY_SECONDS: Final = 0.1
LONGEST: Final = 2_000


class Progress:
    """Of one attempt. Called from any thread, as often as anybody likes: it never blocks and never fails."""

    __slots__ = ("_activation", "_clock", "_feed", "_last", "_loop", "_newest", "_run")

    def __init__(self, feed: Feed, run: RunId, activation: ActivationPath, clock: Clock) -> None:
        self._feed, self._run, self._activation, self._clock = feed, run, activation, clock
        self._loop = asyncio.get_running_loop()
        self._newest: str | None = None
        self._last = float("-inf")

    def __call__(self, text: str) -> None:
        is_on_its_way, self._newest = self._newest is not None, shown(str(text), LONGEST)
        if is_on_its_way:
            return
        try:
            self._loop.call_soon_threadsafe(self._tell)
        except RuntimeError:  # the loop is closed, and nobody watches any more
            return

    def _tell(self) -> None:
        left = self._last + EVERY_SECONDS - self._clock.monotonic()
        if left > 0:
            self._loop.call_later(left, self._tell)
            return
        text, self._newest = self._newest, None
        self._last = self._clock.monotonic()
        self._feed.pass_by(Passing(self._run, "progress", self._activation, text or ""))

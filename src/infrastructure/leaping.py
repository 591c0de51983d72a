"""Time in which nobody waits: where nothing is left to do it leaps to the next timer. For runs whose every answer is at hand."""

import asyncio
import selectors
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import datetime, timedelta
from typing import Any, Final

from infrastructure.clock import SystemClock

_PATIENCE: Final = 0.05
"""Seconds between looks while a thread works, whose end no timer tells."""


class _Leaping(selectors.SelectSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.in_threads = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if self.in_threads or timeout is None:
            return super().select(_PATIENCE if timeout is None else min(timeout, _PATIENCE))
        ready = super().select(0)
        if not ready:
            self.now += max(timeout, 0.0)
        return ready


class LeapingLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._leaping = _Leaping()
        super().__init__(self._leaping)
        # asyncio takes what lies within this for due. The machine's own is finer than seconds of years are told apart.
        self._clock_resolution = 1e-6

    def time(self) -> float:
        return self._leaping.now

    def run_in_executor(self, executor: Executor | None, func: Callable[..., Any], *args: object) -> "asyncio.Future[object]":  # type: ignore[override]
        """Time stands still meanwhile."""
        self._leaping.in_threads += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._is_back)
        return future

    def _is_back(self, future: "asyncio.Future[object]") -> None:
        self._leaping.in_threads -= 1


class LeapingClock(SystemClock):
    """The time of a `LeapingLoop`, counted from `since`."""

    def __init__(self, since: datetime) -> None:
        self._since = since

    @staticmethod
    def monotonic() -> float:
        return asyncio.get_running_loop().time()

    def now(self) -> datetime:
        return self._since + timedelta(seconds=self.monotonic())

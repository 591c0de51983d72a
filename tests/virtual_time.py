"""An event loop whose time is not the machine's: when nothing is left to do it jumps to the next timer, so that hours pass at once and
tests wait for nothing."""

import asyncio
import selectors
from datetime import UTC, datetime, timedelta

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


class JumpingSelector(selectors.SelectSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("everything waits, and nothing will ever happen")
        if not ready and timeout is not None:
            self.now += max(timeout, 0.0)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now

    def timers(self) -> list[asyncio.TimerHandle]:
        """Those still to come."""
        handles: list[asyncio.TimerHandle] = [*self._scheduled]  # type: ignore[attr-defined]
        return [handle for handle in handles if not handle.cancelled()]


class VirtualClock:
    """The loop's time as a clock."""

    def now(self) -> datetime:
        return BEGINNING + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

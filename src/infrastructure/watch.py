"""Tells when something holds the event loop up, and what it is."""

import asyncio
import sys
import threading
import time
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import structlog

log = structlog.get_logger("infrastructure.watch")
LOOKS = 4
"""How often the loop shows itself, and is looked at, within the time that it may be silent."""


@dataclass(slots=True)
class LoopWatch:
    """`seconds`: an event loop that runs nothing else for so long is reported, once, with the stack of what holds it."""

    seconds: float
    _seen: float = 0.0
    _is_reported: bool = False
    _over: threading.Event = field(default_factory=threading.Event)

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        self._seen = time.monotonic()
        showing = asyncio.create_task(self._show())
        thread = threading.Thread(target=self._look, args=(threading.get_ident(),), name="weft-watch", daemon=True)
        thread.start()
        try:
            yield
        finally:
            showing.cancel()
            self._over.set()
            await asyncio.to_thread(thread.join)

    async def _show(self) -> None:
        while True:
            self._seen = time.monotonic()
            if self._is_reported:
                self._is_reported = False
                log.warning("the event loop goes on")
            await asyncio.sleep(self.seconds / LOOKS)

    def _look(self, watched: int) -> None:
        while not self._over.wait(self.seconds / LOOKS):
            silent = time.monotonic() - self._seen
            if silent >= self.seconds and not self._is_reported:
                self._is_reported = True
                frame = sys._current_frames().get(watched)
                stack = "".join(traceback.format_stack(frame)[-12:]) if frame is not None else ""
                log.error("the event loop is held up", seconds=round(silent, 1), stack=stack)

"""The rhythm of group commit: one batch at a time, and while it is on its way the next one fills."""

import asyncio
from collections.abc import Awaitable, Callable


class CommitLoop:
    """Calls `write` for as long as `has_more`. No timer: the first thing that comes goes at once, what comes meanwhile goes together."""

    def __init__(self, has_more: Callable[[], bool], write: Callable[[], Awaitable[None]], name: str) -> None:
        self._has_more = has_more
        self._write = write
        self._poked = asyncio.Event()
        self._is_open = True
        self._task = asyncio.create_task(self._serve(), name=name)

    @property
    def is_open(self) -> bool:
        return self._is_open and not self._task.done()

    def poke(self) -> None:
        self._poked.set()

    async def close(self) -> None:
        """Returns when everything that came before is written or refused."""
        self._is_open = False
        self.poke()
        await self._task

    async def _serve(self) -> None:
        while self._is_open or self._has_more():
            if self._has_more():
                await self._write()
            else:
                self._poked.clear()
                await self._poked.wait()

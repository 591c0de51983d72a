"""A hint between tasks of one process: something may have happened."""

import asyncio
from contextlib import suppress


class Bell:
    """Rung with nobody near, it is heard by the next one who listens; many rings before that are one."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        self._rung.set()

    async def heard(self, timeout: float) -> None:
        """Returns when it is rung, or after `timeout` seconds. Everybody who listens at that moment hears it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._rung.wait()
        self._rung.clear()

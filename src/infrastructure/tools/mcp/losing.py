"""The end of a connection, and why: told once, by whoever sees it first."""

import asyncio


class ConnectionLost(Exception):
    """Says why. `refused`: the server said that it did nothing."""

    def __init__(self, reason: str, *, refused: bool = False) -> None:
        super().__init__(reason)
        self.refused = refused


class Loss:
    def __init__(self) -> None:
        self.reason = ""
        self._told = asyncio.Event()
        self._is_over = False

    def over(self) -> None:
        """It is ended by us: what is seen of that is no reason."""
        self._is_over = True

    def tell(self, reason: str) -> None:
        if not self._told.is_set() and not self._is_over:
            self.reason = reason
            self._told.set()

    async def wait(self) -> None:
        await self._told.wait()

    @property
    def is_told(self) -> bool:
        return self._told.is_set()

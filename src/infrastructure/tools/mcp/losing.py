"""The end of a connection, and why: told once, by whoever sees it first."""

import asyncio
import secrets

from domain.ports.secrets import Redact
from infrastructure.tools.mcp.texts import one_line


class ConnectionLost(Exception):
    """Says why. `refused`: the server said that it did nothing."""

    def __init__(self, reason: str, *, refused: bool = False) -> None:
        super().__init__(reason)
        self.refused = refused


class Loss:
    """`forgotten`: what our own door says in a server's place when that has forgotten the session. Nobody else knows it, so that nobody
    else can say that nothing was done."""

    def __init__(self, redact: Redact) -> None:
        self.reason, self.forgotten, self._redact = "", secrets.token_hex(), redact
        self._told = asyncio.Event()
        self._is_over = False

    def over(self) -> None:
        """It is ended by us: what is seen of that is no reason."""
        self._is_over = True

    def tell(self, reason: str) -> None:
        if not self._told.is_set() and not self._is_over:
            self.reason = one_line(self._redact(reason), 500)
            self._told.set()

    async def wait(self) -> None:
        await self._told.wait()

    @property
    def is_told(self) -> bool:
        return self._told.is_set()

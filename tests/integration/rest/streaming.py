"""A client of server-sent events that speaks ASGI, so that it can hang up in the middle."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from starlette.types import ASGIApp

from tests.integration.rest.service import CONFIGURED


class Serving(Protocol):
    @property
    def app(self) -> ASGIApp: ...


@dataclass(frozen=True)
class ServerSent:
    event: str
    data: Any
    id: int | None


@dataclass
class Listening:
    _chunks: asyncio.Queue[bytes | None] = field(default_factory=asyncio.Queue)

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.body":
            await self._chunks.put(message["body"] if message.get("more_body") else None)

    async def blocks(self) -> AsyncIterator[str]:
        """What stands between empty lines, comments among it."""
        buffer = b""
        while (chunk := await self._chunks.get()) is not None:
            *blocks, buffer = (buffer + chunk).split(b"\n\n")
            for block in blocks:
                yield block.decode()

    async def events(self) -> AsyncIterator[ServerSent]:
        """Until the server ends the stream."""
        async for block in self.blocks():
            fields = dict(line.split(": ", 1) for line in block.split("\n"))
            if "data" in fields:
                yield ServerSent(fields["event"], json.loads(fields["data"]), int(fields["id"]) if "id" in fields else None)


@asynccontextmanager
async def listening(service: Serving, path: str, query: str = "", headers: dict[str, str] | None = None) -> AsyncIterator[Listening]:
    """Leaving hangs up, and returns once the server has let go."""
    here, gone = Listening(), asyncio.Event()
    asked = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> Any:
        if first := next(asked, None):
            return first
        await gone.wait()
        return {"type": "http.disconnect"}

    given = {"host": "localhost", "authorization": f"Bearer {CONFIGURED}", **(headers or {})}
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
        "scheme": "http",
        "server": ("localhost", 80),
        "asgi": {"version": "3.0", "spec_version": "2.4"},
    }
    serving = asyncio.ensure_future(service.app(scope, receive, here.send))
    try:
        yield here
    finally:
        gone.set()
        await asyncio.wait_for(serving, 5)

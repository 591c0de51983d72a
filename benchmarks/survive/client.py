"""A client of the REST interface that costs next to nothing: it shares the machine with what it measures."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Connection:
    """Kept alive; one request at a time."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    host: str

    async def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """Status and body of the answer."""
        head = f"{method} {path} HTTP/1.1\r\nHost: {self.host}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self.writer.write(head.encode() + body)
        answered = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        length = answered.partition(b"content-length:")[2].partition(b"\r\n")[0]
        return int(answered[9:12]), await self.reader.readexactly(int(length))

    async def close(self) -> None:
        self.writer.close()
        await self.writer.wait_closed()

    async def start(self, order: bytes) -> bytes:
        """The answer to an order that was accepted."""
        status, answer = await self.ask("POST", "/v1/runs", order)
        assert status in (200, 201, 202), f"{status}: {answer.decode()}"
        return answer

    async def publish(self, document: dict[str, Any]) -> None:
        status, answer = await self.ask("POST", "/v1/workflows", json.dumps(document).encode())
        assert status in (200, 201), f"{status}: {answer.decode()}"


@asynccontextmanager
async def connected(url: str, count: int) -> AsyncIterator[list[Connection]]:
    """So many connections to one process."""
    host = urlsplit(url).netloc
    name, _, port = host.partition(":")
    async with AsyncExitStack() as stack:
        opened = [Connection(*await asyncio.open_connection(name, int(port)), host) for _ in range(count)]
        for connection in opened:
            stack.push_async_callback(connection.close)
        yield opened


async def start_many(connections: list[Connection], order: bytes, count: int) -> None:
    """So many runs, as fast as they are accepted: every connection sends the next as soon as the one before is answered."""
    waiting = iter(range(count))

    async def sending(connection: Connection) -> None:
        for _ in waiting:
            await connection.start(order)

    await asyncio.gather(*(sending(connection) for connection in connections))

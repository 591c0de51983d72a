"""A port of the loopback address behind which a server appears when a test says so, and disappears again."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from tests.servers.ports import free_port


@dataclass(slots=True)
class Door:
    """Closed, nobody listens on `port`; open, it leads to `target`."""

    target: int
    port: int = field(default_factory=free_port)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _server: asyncio.Server | None = None
    _passing: set[asyncio.Task[None]] = field(default_factory=set)

    def open(self) -> None:
        self._do(self._open())

    def close(self) -> None:
        """Breaks what goes through it, too."""
        self._do(self._close())

    def run(self) -> None:
        self._loop.run_forever()
        self._loop.close()

    def stop(self) -> None:
        self.close()
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _open(self) -> None:
        self._server = await asyncio.start_server(self._let_through, "127.0.0.1", self.port)

    async def _close(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for task in self._passing:
            task.cancel()
        await asyncio.gather(*self._passing, return_exceptions=True)

    async def _let_through(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        both = {asyncio.create_task(_pass(*way)) for way in ((reader, far_writer), (far_reader, writer))}
        self._passing |= both
        await asyncio.wait(both)
        self._passing -= both


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        with suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
    finally:
        writer.close()


@contextmanager
def closed_door(target: int) -> Iterator[Door]:
    door = Door(target)
    thread = threading.Thread(target=door.run)
    thread.start()
    try:
        yield door
    finally:
        door.stop()
        thread.join(30)

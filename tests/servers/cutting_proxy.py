"""A TCP proxy that loses one message on purpose: the answer of a server, or a client's question."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum


class Loses(Enum):
    QUESTION = "question"
    ANSWER = "answer"


class CuttingProxy:
    """Forwards to `port` of the loopback address until `cut_next`: then the next message that way is dropped, with its connection."""

    def __init__(self, port: int) -> None:
        self.port = 0
        self.cuts = 0
        self.is_down = False
        """Connections are made and dropped at once."""
        self._target = port
        self._next: Loses | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def cut_next(self, what: Loses) -> None:
        self._next = what

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_down:
            writer.close()
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        ways = ((reader, far_writer, Loses.QUESTION), (far_reader, writer, Loses.ANSWER))
        both = [asyncio.create_task(self._forward(source, sink, way)) for source, sink, way in ways]
        self._tasks.update(both)
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for end in (writer, far_writer):
            end.close()
        await asyncio.gather(*both, return_exceptions=True)
        self._tasks.difference_update(both)

    async def _forward(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, way: Loses) -> None:
        while data := await source.read(1 << 20):
            if self._next is way:
                self._next = None
                self.cuts += 1
                return
            sink.write(data)
            await sink.drain()

    async def break_now(self) -> None:
        """Every connection that is open breaks; the server may still be at what it was asked."""
        self._next = None
        await self.stop()

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def cutting_proxy(port: int) -> AsyncIterator[CuttingProxy]:
    """Listens on a free port of the loopback address, `.port`."""
    proxy = CuttingProxy(port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.stop()
        await server.wait_closed()

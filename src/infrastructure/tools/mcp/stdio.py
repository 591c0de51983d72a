"""The SDK's streams over the pipes of a server's process, bounded where a server may be hostile."""

import asyncio
import math
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

from infrastructure.tools.mcp.lines import TooLong, cut_lines, lines
from infrastructure.tools.mcp.losing import Loss
from infrastructure.tools.mcp.process import ServerProcess
from infrastructure.tools.mcp.server_log import LONGEST, ServerLog

if TYPE_CHECKING:
    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
    from mcp.client._transport import TransportStreams
    from mcp.shared.message import SessionMessage

MOST_MESSAGE: Final = 8 * 1024 * 1024
MOST_JUNK: Final = 1024 * 1024
"""Bytes that are no messages, after which whatever is on the other side is taken for no server."""
MOST_ASKED: Final = 100
"""Questions of the server under way at once."""
ROOM: Final = 16
ENDED_SECONDS: Final = 0.2
LOOK_SECONDS: Final = 0.25


@asynccontextmanager
async def pipes(process: ServerProcess, loss: Loss, said: ServerLog) -> AsyncIterator["TransportStreams"]:
    """Until it is left; then the process is stopped, while what it still writes is thrown away."""
    import anyio

    to_session, from_server = anyio.create_memory_object_stream["SessionMessage | Exception"](ROOM)
    to_server, from_session = anyio.create_memory_object_stream["SessionMessage"](ROOM)
    link = _Link(process, loss, said)
    work = [link.read(to_session), link.write(from_session), link.listen(), link.watch()]
    tasks = [asyncio.create_task(one) for one in work]
    try:
        yield from_server, to_server
    finally:
        loss.over()
        for stream in (from_server, to_server):
            stream.close()
        await _to_its_end(_stopped(process, tasks))


async def _stopped(process: ServerProcess, tasks: Sequence["asyncio.Task[None]"]) -> None:
    await process.stop()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _to_its_end(work: Coroutine[object, object, None]) -> None:
    """Whoever is cancelled meanwhile is cancelled after it: no process is left behind."""
    task, cancelled = asyncio.create_task(work), False
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        raise asyncio.CancelledError


class _Link:
    def __init__(self, process: ServerProcess, loss: Loss, said: ServerLog) -> None:
        self._process, self._loss, self._said = process, loss, said
        self._junk = self._asked = 0

    async def read(self, to_session: "MemoryObjectSendStream[SessionMessage | Exception]") -> None:
        import anyio

        try:
            async with to_session:
                async for line in lines(self._process.stdout, MOST_MESSAGE):
                    message = self._message(line)
                    if message is not None:
                        await to_session.send(message)
                await self._process.ends_within(ENDED_SECONDS)
                self._loss.tell(self._process.ended or "it closed its output")
        except TooLong as error:
            self._loss.tell(f"it sent what is no message: {error}")
        except _Hostile as error:
            self._loss.tell(str(error))
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass  # the session ended first, and knows why
        while await self._process.stdout.read(MOST_JUNK):
            pass

    def _message(self, line: bytes) -> "SessionMessage | None":
        from mcp.shared.message import SessionMessage
        from mcp_types import JSONRPCRequest, jsonrpc_message_adapter

        try:
            message = jsonrpc_message_adapter.validate_json(line, by_name=False)
        except ValueError:
            self._count_junk(line)
            return None
        self._junk = 0
        if isinstance(message, JSONRPCRequest):
            self._asked += 1
            if self._asked > MOST_ASKED:
                raise _Hostile(f"it asked more than {MOST_ASKED} questions at once")
        return SessionMessage(message)

    def _count_junk(self, line: bytes) -> None:
        self._junk += len(line) + 1
        self._said.say(f"(no message) {line[:LONGEST].decode('utf-8', 'replace')}")
        if self._junk > MOST_JUNK:
            raise _Hostile(f"it wrote more than {MOST_JUNK:,} bytes that are no messages")

    async def write(self, from_session: "MemoryObjectReceiveStream[SessionMessage]") -> None:
        from mcp_types import JSONRPCError, JSONRPCResponse

        stdin = self._process.stdin
        with suppress(OSError):
            async with from_session:
                async for one in from_session:
                    if isinstance(one.message, JSONRPCResponse | JSONRPCError):
                        self._asked -= 1
                    stdin.write(one.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")
                    await stdin.drain()
                return
        self._loss.tell("it closed its input")

    async def listen(self) -> None:
        async for line in cut_lines(self._process.stderr, LONGEST):
            self._said.say(line.decode("utf-8", "replace"))

    async def watch(self) -> None:
        """A child that holds its pipes makes a server look alive that is not."""
        await self._process.ends_within(math.inf, every=LOOK_SECONDS)
        self._loss.tell(self._process.ended)


class _Hostile(Exception):
    """It does what no server does."""

"""The protocol over stdin and stdout, for a host that starts its servers itself."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any, Final, TextIO, cast

import anyio
from mcp.server.stdio import stdio_server

from application.access import Principal
from application.desk import Desk
from interface.mcp.server import Speaking, server_for

LONGEST_LINE: Final = 10 * 1024 * 1024
"""Bytes of one message, as of a request's body."""


@contextmanager
def stdout_kept() -> Iterator[TextIO]:
    """The stdout that was, for the protocol alone: what anything else in this process prints goes to stderr from here on."""
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with os.fdopen(kept, "w", encoding="utf-8", newline="\n", closefd=False) as out:
            yield out
    finally:
        os.dup2(kept, 1)
        os.close(kept)


async def speak(desk: Desk, who: Principal, speaking: Speaking, out: TextIO) -> None:
    """Until the client hangs up, or `stopping` is set."""
    server = server_for(desk, who, speaking)
    lines = cast("anyio.AsyncFile[str]", _Lines(await _heard(), speaking.stopping))
    async with stdio_server(lines, anyio.wrap_file(out)) as (read, write):
        await server.run(read, write, server.create_initialization_options())


async def _heard() -> asyncio.StreamReader:
    """stdin, without a thread that nobody could stop while it waits for a line."""
    reader = asyncio.StreamReader(limit=LONGEST_LINE)
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    return reader


class _Lines:
    """What `stdio_server` iterates over."""

    def __init__(self, reader: asyncio.StreamReader, stopping: asyncio.Event) -> None:
        self._reader, self._stopping = reader, stopping

    async def __aiter__(self) -> AsyncIterator[str]:
        while line := await self._next():
            yield line.decode(errors="replace")

    async def _next(self) -> bytes:
        tasks: list[asyncio.Task[Any]] = [asyncio.create_task(self._reader.readline()), asyncio.create_task(self._stopping.wait())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return bytes(tasks[0].result()) if tasks[0].done() else b""
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

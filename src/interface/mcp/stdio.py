"""The protocol over stdin and stdout, for a host that starts its servers itself."""

import asyncio
import json
import os
import stat
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from typing import Final, TextIO, cast

import anyio
import structlog
from mcp.server.stdio import stdio_server

from application.access import Principal
from application.desk import Desk
from interface.mcp.server import Speaking, server_for

log = structlog.get_logger(__name__)

LONGEST_LINE: Final = 10 * 1024 * 1024
"""Bytes of one message, as of a request's body."""
_LAST_WORDS_SECONDS: Final = 2.0


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
    """Until the client hangs up. When `stopping` is set no more is heard, and what was asked before is answered first."""
    server, unanswered = server_for(desk, who, speaking), _Unanswered()
    heard = cast("anyio.AsyncFile[str]", _Heard(await _stdin(), speaking.stopping, unanswered))
    said = cast("anyio.AsyncFile[str]", _Said(out, unanswered))
    async with stdio_server(heard, said) as (read, write):
        await server.run(read, write, server.create_initialization_options())


async def _stdin() -> asyncio.StreamReader:
    """Without a thread that nobody could stop while it waits for a line. What is no line to somebody, but a file, never waits."""
    reader = asyncio.StreamReader(limit=LONGEST_LINE)
    mode = os.fstat(0).st_mode
    if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(0):
        protocol = asyncio.StreamReaderProtocol(reader)
        await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    else:
        reader.feed_data(await asyncio.to_thread(sys.stdin.buffer.read))
        reader.feed_eof()
    return reader


class _Unanswered:
    """Requests that came and have no answer yet; one that its caller has cancelled gets none."""

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self.is_empty = asyncio.Event()
        self.is_empty.set()

    def see(self, line: str | bytes) -> None:
        """A message, whichever way it goes."""
        match _read(line):
            case {"method": "notifications/cancelled", "params": {"requestId": cancelled}}:
                self._ids.discard(repr(cancelled))
            case {"method": _, "id": asked}:
                self._ids.add(repr(asked))
            case {"id": answered}:
                self._ids.discard(repr(answered))
        (self.is_empty.clear if self._ids else self.is_empty.set)()


def _read(line: str | bytes) -> object:
    """What cannot be read is for the protocol to answer."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


class _Said:
    """What `stdio_server` writes to."""

    def __init__(self, out: TextIO, unanswered: _Unanswered) -> None:
        self._out, self._unanswered = anyio.wrap_file(out), unanswered

    async def write(self, line: str) -> None:
        await self._out.write(line)
        await self._out.flush()
        self._unanswered.see(line)

    async def flush(self) -> None:
        """Every line was."""


class _Heard:
    """What `stdio_server` reads from."""

    def __init__(self, reader: asyncio.StreamReader, stopping: asyncio.Event, unanswered: _Unanswered) -> None:
        self._reader, self._stopping, self._unanswered = reader, stopping, unanswered

    async def __aiter__(self) -> AsyncIterator[str]:
        while line := await self._next():
            self._unanswered.see(line)
            yield line.decode(errors="replace")
        if self._stopping.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(_LAST_WORDS_SECONDS):
                    await self._unanswered.is_empty.wait()

    async def _next(self) -> bytes:
        """Nothing when there is no more, or no more is wanted."""
        reading, stopped = asyncio.create_task(self._reader.readline()), asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({reading, stopped}, return_when=asyncio.FIRST_COMPLETED)
            return reading.result() if reading.done() else b""
        except ValueError:
            log.error("a message is too long, nothing behind it is read", most_bytes=LONGEST_LINE)
            return b""
        finally:
            reading.cancel()
            stopped.cancel()
            await asyncio.gather(reading, stopped, return_exceptions=True)

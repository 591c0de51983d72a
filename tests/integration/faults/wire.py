"""A proxy on the wire between Weft and one of its servers: delays, swallows, refuses, or cuts at the worst moment.

Of PostgreSQL it understands enough to know when a statement that commits is on its way.
"""

import asyncio
import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum

COMMITTING = (b"INSERT INTO journal", b"INSERT INTO runs", b"UPDATE heads h SET epoch")
"""Words of the statements that commit: appends, starts, claims. Each is a transaction of its own."""


class Mode(Enum):
    PASS = "pass"
    DELAY = "delay"
    SWALLOW = "swallow"
    """Connections stay open, and nothing comes through."""
    REFUSE = "refuse"


@dataclass(slots=True)
class Overheard:
    """What one client asks PostgreSQL, message by message; statements are prepared once and then asked for by name."""

    words: Sequence[bytes]
    buffer: bytearray = field(default_factory=bytearray)
    names: set[bytes] = field(default_factory=set)
    has_begun: bool = False

    def commits(self, data: bytes) -> bool:
        """Does this piece end a question that commits?"""
        self.buffer += data
        found = False
        while (message := self._next()) is not None:
            kind, body = message[:1], message[5:]
            if kind == b"P":
                name, query, *_ = body.split(b"\0", 2)
                (self.names.add if any(word in query for word in self.words) else self.names.discard)(name)
            elif kind == b"B":
                found = found or body.split(b"\0", 2)[1] in self.names
        return found

    def _next(self) -> bytes | None:
        head = 1 if self.has_begun else 0
        if len(self.buffer) < head + 4:
            return None
        size = head + int.from_bytes(self.buffer[head : head + 4], "big")
        if len(self.buffer) < size:
            return None
        message = bytes(self.buffer[:size])
        del self.buffer[:size]
        if not self.has_begun:
            self.has_begun = message[4:8] == b"\x00\x03\x00\x00"  # the start-up message; a question for TLS may come before it
            return b"-----"
        return message


@dataclass(slots=True)
class Wire:
    """`cut_share`: of the questions that commit, how many lose their answer, and the connection with it."""

    target: int
    port: int = 0
    mode: Mode = Mode.PASS
    delay_seconds: float = 0.0
    cut_share: float = 0.0
    cuts: int = 0
    chance: random.Random = field(default_factory=lambda: random.Random(0))
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _open: set[asyncio.StreamWriter] = field(default_factory=set)
    _passing: set["asyncio.Task[None]"] = field(default_factory=set)

    def cut_all(self) -> None:
        """Every connection that is open breaks."""
        for writer in list(self._open):
            self._loop.call_soon_threadsafe(writer.transport.abort)

    def run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._let_through, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        self._loop.run_forever()
        server.close()
        for task in self._passing:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*self._passing, return_exceptions=True))
        self._loop.run_until_complete(server.wait_closed())
        self._loop.run_until_complete(asyncio.sleep(0))  # what was aborted last closes its socket in a turn of its own
        self._loop.close()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)

    async def _let_through(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (task := asyncio.current_task()) is not None:
            self._passing.add(task)
            task.add_done_callback(self._passing.discard)
        ends = {writer}
        try:
            with suppress(OSError, asyncio.CancelledError):
                if self.mode is not Mode.REFUSE:
                    far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
                    ends.add(far_writer)
                    self._open |= ends
                    connection = _Passing(self, (reader, writer), (far_reader, far_writer))
                    await connection.until_it_breaks()
        finally:
            for end in ends:
                end.transport.abort()
            self._open -= ends


@dataclass(slots=True)
class _Passing:
    wire: Wire
    near: tuple[asyncio.StreamReader, asyncio.StreamWriter]
    far: tuple[asyncio.StreamReader, asyncio.StreamWriter]
    loses_answer: bool = False

    async def until_it_breaks(self) -> None:
        ways = {asyncio.create_task(self._questions()), asyncio.create_task(self._answers())}
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _questions(self) -> None:
        overheard, wire = Overheard(COMMITTING), self.wire
        while data := await self.near[0].read(1 << 20):
            await self._as_told()
            is_cut = wire.cut_share > 0 and overheard.commits(data) and wire.chance.random() < wire.cut_share
            self.loses_answer = is_cut and wire.chance.random() < 0.5
            self.far[1].write(data)
            await self.far[1].drain()
            if is_cut:
                wire.cuts += 1
                if not self.loses_answer:
                    return

    async def _answers(self) -> None:
        while data := await self.far[0].read(1 << 20):
            await self._as_told()
            if self.loses_answer:
                return
            self.near[1].write(data)
            await self.near[1].drain()

    async def _as_told(self) -> None:
        while self.wire.mode is Mode.SWALLOW:  # noqa: ASYNC110 (it is set from another thread)
            await asyncio.sleep(0.01)
        if self.wire.mode is Mode.DELAY:
            await asyncio.sleep(self.wire.delay_seconds)


@contextmanager
def running_wire(target: int) -> Iterator[Wire]:
    """Listens on `.port` of the loopback address, on a thread of its own."""
    wire, ready = Wire(target), threading.Event()
    thread = threading.Thread(target=wire.run, args=(ready,))
    thread.start()
    ready.wait(30)
    try:
        yield wire
    finally:
        wire.stop()
        thread.join(30)

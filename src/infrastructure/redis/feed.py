"""The feed between processes. In its own process everybody hears everything, as without Redis; to others goes what somebody there said
they listen to, as fast as the server takes it, and no faster than a bounded buffer allows."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

import orjson

from domain.ids import RunId, ThreadId
from domain.ports.feed import NewsOfRun, Passing, Slow, ThreadNews
from domain.ports.journal import Recorded
from infrastructure.feed import ProcessFeed
from infrastructure.redis.link import RedisLink
from infrastructure.redis.news import LookAgain, joined, read, written
from infrastructure.redis.streams import StreamReader, tell
from infrastructure.redis.wants import Wants

WANTED: Final = "weft:wanted"
SAY_AGAIN_SECONDS: Final = 1.0
BUFFER_NEWS: Final = 10_000
BUFFER_BYTES: Final = 16 * 1024 * 1024
MESSAGE_BYTES: Final = 256 * 1024

RUNS_A_MESSAGE: Final = 1000


def stream_of(process: str) -> str:
    return f"weft:feed:{process}"


def _thread_key(thread: ThreadId) -> RunId:
    """How a whole thread is named where runs are wanted; no run's id has a colon."""
    return RunId(f"thread:{thread}")


@dataclass(slots=True)
class RedisFeed:
    """`me`: a name that no other process has. `dropped`: hears how many news were lost on their way out; the journal has the rows."""

    me: str
    here: ProcessFeed
    link: RedisLink
    reader: StreamReader
    dropped: Callable[[int], None]
    wants: Wants = field(default_factory=Wants)
    _outgoing: deque[tuple[RunId, bytes]] = field(default_factory=deque)
    _bytes: int = 0
    _poked: asyncio.Event = field(default_factory=asyncio.Event)
    _newly_wanted: set[RunId] = field(default_factory=set)
    _somebody_came: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.reader.streams[stream_of(self.me)] = self._hear
        self.reader.streams[WANTED] = self._hear_wants
        self.reader.on_through.append(self._through)

    def publish(self, rows: Sequence[Recorded]) -> None:
        self.here.publish(rows)
        if self.wants:
            for row in rows:
                if _thread_key(row.thread) in self.wants:  # whoever follows a thread wants what passes by in its runs too
                    self.wants.join(row.run, _thread_key(row.thread))
                if row.run in self.wants:
                    self._send(row.run, row)
                elif _thread_key(row.thread) in self.wants:
                    self._send(_thread_key(row.thread), row)

    def pass_by(self, news: Passing) -> None:
        self.here.pass_by(news)
        if news.run in self.wants:
            self._send(news.run, news)

    def wanted(self, run: RunId) -> bool:
        return self.here.wanted(run) or run in self.wants

    @asynccontextmanager
    async def listen(self, thread: ThreadId, run: RunId, slow: Slow | None = None) -> AsyncIterator[NewsOfRun]:
        async with self.here.listen(thread, run, slow) as news:
            self._newly_wanted.add(run)
            self._somebody_came.set()
            yield news

    @asynccontextmanager
    async def listen_to_thread(self, thread: ThreadId, slow: Slow | None = None) -> AsyncIterator[ThreadNews]:
        async with self.here.listen_to_thread(thread, slow) as news:
            self._newly_wanted.add(_thread_key(thread))
            self._somebody_came.set()
            yield news

    async def serve(self) -> None:
        """Sends, and says what is wanted here, until it is cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._sending())
            group.create_task(self._wanting())

    # Out.

    def _send(self, run: RunId, news: Recorded | Passing) -> None:
        message = written(news)
        if len(self._outgoing) >= BUFFER_NEWS or self._bytes + len(message) > BUFFER_BYTES:
            self.dropped(1)
            return
        self._outgoing.append((run, message))
        self._bytes += len(message)
        self._poked.set()

    async def _sending(self) -> None:
        while True:
            await self._poked.wait()
            self._poked.clear()
            while self._outgoing:
                await self._send_some()

    async def _send_some(self) -> None:
        for process, news in self._next_messages().items():
            if not await tell(self.link, stream_of(process), joined(news)):
                self.dropped(len(news))

    def _next_messages(self) -> dict[str, list[bytes]]:
        """What fits in one message, for each process that wants some of it."""
        size, messages = 0, dict[str, list[bytes]]()
        while self._outgoing and size < MESSAGE_BYTES:
            run, news = self._outgoing.popleft()
            size += len(news)
            for process in self.wants.of(run):
                messages.setdefault(process, []).append(news)
        self._bytes -= size
        return messages

    # In.

    def _hear(self, message: bytes) -> None:
        for news in read(message):
            match news:
                case Recorded():
                    self.here.publish((news,))
                case Passing():
                    self.here.pass_by(news)
                case LookAgain():
                    self.here.look_again(news.run)

    def _hear_wants(self, message: bytes) -> None:
        match orjson.loads(message):
            case [str(process), [*runs]]:
                if process != self.me:
                    self.wants.heard(process, runs)
            case _:
                raise ValueError("nobody's wants")

    def _through(self) -> None:
        """The line is new, or was cut: whoever listens here is sent to the journal, and everybody is told again what is wanted."""
        for run in self.here.runs():
            self.here.look_again(run)
        self._newly_wanted.update(self._all_wanted())
        self._somebody_came.set()

    def _all_wanted(self) -> list[RunId]:
        return [*self.here.runs(), *map(_thread_key, self.here.threads())]

    async def _wanting(self) -> None:
        while True:
            said_all = asyncio.get_running_loop().time()
            self.wants.forget_old()
            await self._say_wanted(self._all_wanted())
            with suppress(TimeoutError):
                async with asyncio.timeout_at(said_all + SAY_AGAIN_SECONDS):
                    while await self._somebody_came.wait():
                        self._somebody_came.clear()
                        await self._say_wanted(self._newly_wanted)

    async def _say_wanted(self, runs: Collection[RunId]) -> None:
        wanted = list(runs)
        self._newly_wanted.clear()
        for start in range(0, len(wanted), RUNS_A_MESSAGE):
            message = orjson.dumps((self.me, wanted[start : start + RUNS_A_MESSAGE]))
            await tell(self.link, WANTED, message)

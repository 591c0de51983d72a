"""One reader's news, in order, in a bounded room."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from typing import Final, TypeAlias

from domain.errors import ReaderTooSlow
from domain.ids import ThreadId
from domain.ports.feed import PARKED, Passing, Slow
from domain.ports.journal import Recorded
from infrastructure.channel import CAPACITY, StreamingChannel

News: TypeAlias = Recorded | Passing | None
Numbered: TypeAlias = tuple[int, Passing]

ROWS: Final = 256
ROW_BYTES: Final = 256 * 1024
"""Of the bodies of all rows that wait for one reader. What does not fit is read from the journal again."""
WAIT_SECONDS: Final = 1.0
"""How long a chunk waits for room where `block` was asked for; so long at most as many wait as the channel holds."""
AT_ONCE: Final = 512
"""The most news of one batch."""


class Listener:
    """Rows that do not fit are forgotten, and a None says so before what comes next: the journal has them. Chunks stand in a channel of
    their own and come between the rows where they belong."""

    def __init__(
        self,
        thread: ThreadId,
        rows: int,
        poll_seconds: float,
        slow: Slow | None,
        dropped: Callable[[int], None],
        *,
        hears_all: bool = False,
    ) -> None:
        self.hears_all = hears_all
        self._thread = thread
        self._room = rows
        self._poll_seconds = poll_seconds
        self._slow = slow
        self._dropped = dropped
        self._numbers = count()
        self._rows: deque[tuple[int, Recorded | Passing]] = deque()
        self._bytes = 0
        self._chunks: StreamingChannel[Numbered] = StreamingChannel(CAPACITY, lambda chunk: len(chunk[1].text), self._lose)
        self._lost = 0
        self._missed = False
        self._reader: asyncio.Future[None] | None = None
        """Who waits for news."""
        self._look_at = self._next_look()
        self._alarm: asyncio.TimerHandle | None = None
        """Set once for many chunks: to set it and take it back costs as much as to pass a chunk on."""

    def offer_row(self, row: Recorded) -> None:
        if row.thread == self._thread:
            self._keep(row, len(row.body))

    def offer_passing(self, news: Passing) -> None:
        """Never waits, whatever the policy is: what waits is the chunk."""
        if news.kind == PARKED:
            self._keep(news, 0)
        elif self._slow is not None:
            self._offer_chunk((next(self._numbers), news), self._slow)
            self._wake()

    def send_to_journal(self) -> None:
        self._rows.clear()
        self._bytes = 0
        self._missed = True
        self._wake()

    def close(self) -> None:
        self._slow = None
        self._chunks.close()
        if self._alarm is not None:
            self._alarm.cancel()

    def __aiter__(self) -> "Listener":
        return self

    async def __anext__(self) -> News:
        if not self._has_news():
            await self._silence_broken()
        if self._missed or not self._has_news() or self._look_at <= asyncio.get_running_loop().time():
            self._missed = False
            self._look_at = self._next_look()
            return None
        return self._next()

    def ready(self) -> Sequence[News]:
        """What is there already, oldest first."""
        found: list[News] = []
        while len(found) < AT_ONCE and not self._missed and self._has_news():
            found.append(self._next())
            if isinstance(self._chunks.peek(), BaseException):
                break  # whoever waits next gets it, after what was found
        return found

    def _keep(self, news: Recorded | Passing, size: int) -> None:
        if self._missed:
            return  # the journal will be read anyway, and has it
        if len(self._rows) >= self._room or self._bytes + size > ROW_BYTES:
            self.send_to_journal()
            return
        self._rows.append((next(self._numbers), news))
        self._bytes += size
        self._wake()

    def _offer_chunk(self, chunk: Numbered, slow: Slow) -> None:
        if self._chunks.offer(chunk, WAIT_SECONDS if slow is Slow.BLOCK else 0.0):
            return
        match slow:
            case Slow.DROP_OLDEST:
                while not self._chunks.offer(chunk):
                    self._chunks.drop_oldest()
            case Slow.BLOCK:
                self._lose()
            case Slow.DISCONNECT:
                self._slow = None
                self._chunks.fail(ReaderTooSlow(f"more than {CAPACITY} chunks waited for this reader: come back with the last position"))

    def _lose(self) -> None:
        self._lost += 1
        self._dropped(1)

    def _has_news(self) -> bool:
        return self._missed or bool(self._rows) or self._chunks.peek() is not None

    def _next(self) -> Recorded | Passing:
        chunk = self._chunks.peek()
        if chunk is not None and not (self._rows and not isinstance(chunk, BaseException) and self._rows[0][0] < chunk[0]):
            return self._told_of_the_lost(self._chunks.take()[1])
        _, news = self._rows.popleft()
        if isinstance(news, Recorded):
            self._bytes -= len(news.body)
            self._look_at = self._next_look()
        return news

    def _told_of_the_lost(self, chunk: Passing) -> Passing:
        if not self._lost:
            return chunk
        lost, self._lost = self._lost, 0
        return replace(chunk, dropped=lost)

    async def _silence_broken(self) -> None:
        """Returns when there is news or it is time to look at the journal."""
        loop = asyncio.get_running_loop()
        while not self._has_news() and loop.time() < self._look_at:
            if self._alarm is None:
                self._alarm = loop.call_at(self._look_at, self._ring)
            self._reader = loop.create_future()
            await self._reader

    def _ring(self) -> None:
        """Perhaps too early: a row since then has put off the next look."""
        self._alarm = None
        self._wake()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def _next_look(self) -> float:
        return asyncio.get_running_loop().time() + self._poll_seconds

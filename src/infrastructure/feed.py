"""The feed of one process. What another process appends makes no noise here, so a listener is sent to the journal now and then."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeAlias

from domain.ids import RunId, ThreadId
from domain.ports.feed import Passing
from domain.ports.journal import Recorded

News: TypeAlias = Recorded | Passing | None


class ProcessFeed:
    """`buffer`: how many news wait for one slow listener. `poll_seconds`: the longest a listener is left alone without a row."""

    def __init__(self, buffer: int = 1000, poll_seconds: float = 0.5) -> None:
        self._buffer = buffer
        self._poll_seconds = poll_seconds
        self._listeners: dict[RunId, set[Listener]] = {}
        self._of_threads: dict[ThreadId, set[ThreadListener]] = {}

    def publish(self, rows: Sequence[Recorded]) -> None:
        if not self._listeners and not self._of_threads:
            return
        for row in rows:
            for joined in self._of_threads.get(row.thread, ()):
                joined.join(row.run)
                joined.listener.offer_row(row)
            for listener in self._listeners.get(row.run, ()):
                if not listener.hears_all:
                    listener.offer_row(row)

    def pass_by(self, news: Passing) -> None:
        for listener in self._listeners.get(news.run, ()):
            listener.offer_passing(news)

    def wanted(self, run: RunId) -> bool:
        return run in self._listeners

    def runs(self) -> Collection[RunId]:
        """Those that somebody in this process listens to."""
        return self._listeners.keys()

    def threads(self) -> Collection[ThreadId]:
        """Those that somebody in this process listens to, whichever run is under way."""
        return self._of_threads.keys()

    def look_again(self, run: RunId) -> None:
        """Its listeners perhaps missed something: they are sent to the journal."""
        for listener in self._listeners.get(run, ()):
            listener.send_to_journal()

    @asynccontextmanager
    async def listen(self, thread: ThreadId, run: RunId) -> AsyncIterator[AsyncIterator[News]]:
        listener = Listener(thread, self._buffer, self._poll_seconds)
        self._add(run, listener)
        try:
            yield listener
        finally:
            self._remove(run, listener)

    @asynccontextmanager
    async def listen_to_thread(self, thread: ThreadId) -> AsyncIterator["ThreadListener"]:
        listener = Listener(thread, self._buffer, self._poll_seconds, hears_all=True)
        here = ThreadListener(listener, self._add, self._remove)
        self._of_threads.setdefault(thread, set()).add(here)
        try:
            yield here
        finally:
            here.leave_all()
            self._of_threads[thread].discard(here)
            if not self._of_threads[thread]:
                del self._of_threads[thread]

    def _add(self, run: RunId, listener: "Listener") -> None:
        self._listeners.setdefault(run, set()).add(listener)

    def _remove(self, run: RunId, listener: "Listener") -> None:
        self._listeners[run].discard(listener)
        if not self._listeners[run]:
            del self._listeners[run]


@dataclass(slots=True, eq=False)
class ThreadListener:
    """One reader's news of a whole thread: its rows, and what passes by in the runs that were joined."""

    listener: "Listener"
    add: Callable[[RunId, "Listener"], None]
    remove: Callable[[RunId, "Listener"], None]
    joined: set[RunId] = field(default_factory=set)

    def __aiter__(self) -> "Listener":
        return self.listener

    def join(self, run: RunId) -> None:
        if run and run not in self.joined:
            self.joined.add(run)
            self.add(run, self.listener)

    def leave(self, run: RunId) -> None:
        if run in self.joined:
            self.joined.remove(run)
            self.remove(run, self.listener)

    def leave_all(self) -> None:
        for run in tuple(self.joined):
            self.leave(run)


class Listener:
    """One reader's news, in order. Full, it first loses what passes by, then everything, and a None says so before what comes next."""

    def __init__(self, thread: ThreadId, buffer: int, poll_seconds: float, *, hears_all: bool = False) -> None:
        self.hears_all = hears_all
        self._thread = thread
        self._buffer = buffer
        self._poll_seconds = poll_seconds
        self._waiting: deque[Recorded | Passing] = deque()
        self._missed = False
        self._something = asyncio.Event()
        self._look_at = self._next_look()

    def offer_row(self, row: Recorded) -> None:
        if row.thread != self._thread:
            return
        if len(self._waiting) >= self._buffer:
            self._make_room()
        self._waiting.append(row)
        self._something.set()

    def offer_passing(self, news: Passing) -> None:
        if len(self._waiting) < self._buffer:
            self._waiting.append(news)
        else:
            self._missed = True
        self._something.set()

    def send_to_journal(self) -> None:
        self._missed = True
        self._something.set()

    def __aiter__(self) -> "Listener":
        return self

    async def __anext__(self) -> News:
        if not self._waiting and not self._missed:
            await self._silence_broken()
        if self._missed or not self._waiting or self._look_at <= asyncio.get_running_loop().time():
            self._missed = False
            self._look_at = self._next_look()
            return None
        news = self._waiting.popleft()
        if isinstance(news, Recorded):
            self._look_at = self._next_look()
        return news

    async def _silence_broken(self) -> None:
        """Returns when there is news or it is time to look at the journal."""
        self._something.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout_at(self._look_at):
                await self._something.wait()

    def _make_room(self) -> None:
        rows = [news for news in self._waiting if isinstance(news, Recorded)]
        self._waiting = deque(rows if len(rows) < self._buffer else ())
        self._missed = True

    def _next_look(self) -> float:
        return asyncio.get_running_loop().time() + self._poll_seconds

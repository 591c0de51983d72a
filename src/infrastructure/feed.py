"""The feed of one process. What another process appends makes no noise here, so a listener is sent to the journal now and then."""

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from domain.ids import RunId, ThreadId
from domain.ports.feed import Passing, Slow
from domain.ports.journal import Recorded
from infrastructure.listener import ROWS, Listener, News

__all__ = ["News", "ProcessFeed", "ThreadListener"]


class ProcessFeed:
    """`buffer`: how many rows wait for one slow listener. `poll_seconds`: the longest a listener is left alone without a row. `dropped`:
    hears how many chunks slow listeners lost."""

    def __init__(self, buffer: int = ROWS, poll_seconds: float = 0.5, dropped: Callable[[int], None] = lambda _: None) -> None:
        self._buffer = buffer
        self._poll_seconds = poll_seconds
        self._dropped = dropped
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
    async def listen(self, thread: ThreadId, run: RunId, slow: Slow | None = None) -> AsyncIterator[Listener]:
        listener = Listener(thread, self._buffer, self._poll_seconds, slow, self._dropped)
        self._add(run, listener)
        try:
            yield listener
        finally:
            self._remove(run, listener)
            listener.close()

    @asynccontextmanager
    async def listen_to_thread(self, thread: ThreadId, slow: Slow | None = None) -> AsyncIterator["ThreadListener"]:
        listener = Listener(thread, self._buffer, self._poll_seconds, slow, self._dropped, hears_all=True)
        here = ThreadListener(listener, self._add, self._remove)
        self._of_threads.setdefault(thread, set()).add(here)
        try:
            yield here
        finally:
            here.leave_all()
            listener.close()
            self._of_threads[thread].discard(here)
            if not self._of_threads[thread]:
                del self._of_threads[thread]

    def _add(self, run: RunId, listener: Listener) -> None:
        self._listeners.setdefault(run, set()).add(listener)

    def _remove(self, run: RunId, listener: Listener) -> None:
        self._listeners[run].discard(listener)
        if not self._listeners[run]:
            del self._listeners[run]


@dataclass(slots=True, eq=False)
class ThreadListener:
    """One reader's news of a whole thread: its rows, and what passes by in the runs that were joined."""

    listener: Listener
    add: Callable[[RunId, Listener], None]
    remove: Callable[[RunId, Listener], None]
    joined: set[RunId] = field(default_factory=set)

    def __aiter__(self) -> Listener:
        return self.listener

    def ready(self) -> Sequence[News]:
        return self.listener.ready()

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

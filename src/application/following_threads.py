"""Read a thread while things happen in it, run after run, and rows page by page for those who ask again and again."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from application.cursors import check_cursor, check_end, check_next, check_run_cursor
from application.following import looking_back_first
from application.run_views import EventsPageView, EventView, PassingView
from application.runs import find_run
from application.threads import find_thread
from domain.access import Principal, Role
from domain.ids import Position, ThreadId
from domain.ports.feed import PARKED, Feed, Passing, ThreadNews
from domain.ports.journal import Journal, Recorded
from domain.ports.repositories import Runs, Threads
from domain.run.events import RunEnded
from domain.thread import Thread

PAGE = 1000


@dataclass(frozen=True, slots=True)
class FollowThread:
    threads: Threads
    runs: Runs
    journal: Journal
    feed: Feed

    async def __call__(
        self, who: Principal, thread: str, after: int = 0, *, passing: bool = False
    ) -> AsyncIterator[EventView | PassingView | None]:
        """The rows of a thread after a position, without end. All that can be refused is refused here, before the first item.

        Of a branch, rows that it shares with its parent are there too. `CursorGone` when rows that the reader has not seen were removed
        meanwhile. Closing the iterator frees everything."""
        who.must_be(Role.VIEWER)
        found = await find_thread(self.threads, who, thread)
        await check_end(self.journal, found.tenant, found.id, after)
        await check_cursor(self.journal, found.tenant, found.id, after)
        return self._items(found, Position(after), passing)

    async def _items(self, thread: Thread, after: Position, passing: bool) -> AsyncIterator[EventView | PassingView | None]:
        async with self.feed.listen_to_thread(thread.id) as news:
            for run in await self.runs.unfinished(thread.tenant, thread.id):
                news.join(run.id)
            async for item in looking_back_first(aiter(news)):
                if isinstance(item, Passing):
                    if passing and item.kind != PARKED:
                        yield PassingView.of(item)
                    continue
                async for row in self._since(thread, after, item):
                    check_next(row, after)
                    after = row.position
                    _keep_company(news, row, thread.id)
                    yield EventView.of(row)
                if item is None:
                    yield None

    async def _since(self, thread: Thread, after: Position, item: Recorded | None) -> AsyncIterator[Recorded]:
        """As for a run: the next row is taken as it is, after anything else the journal is asked."""
        if item is not None and item.position <= after:
            return
        if item is not None and item.position == after + 1:
            yield item
            return
        while rows := await self.journal.read(thread.tenant, thread.id, after, PAGE):
            for row in rows:
                yield row
            if len(rows) < PAGE:
                return
            after = rows[-1].position


def _keep_company(news: ThreadNews, row: Recorded, thread: ThreadId) -> None:
    """What passes by is heard from a run's first row, known from wherever, to its last. A parent's runs are none of ours."""
    if row.kind == RunEnded.kind:
        news.leave(row.run)
    elif row.thread == thread:
        news.join(row.run)


@dataclass(frozen=True, slots=True)
class ReadRows:
    """The rows that a stream would bring, page by page, with the same cursor."""

    threads: Threads
    runs: Runs
    journal: Journal

    async def of_thread(self, who: Principal, thread: str, after: int, limit: int) -> EventsPageView:
        who.must_be(Role.VIEWER)
        found = await find_thread(self.threads, who, thread)
        await check_end(self.journal, found.tenant, found.id, after)
        await check_cursor(self.journal, found.tenant, found.id, after)
        return EventsPageView.of(await self.journal.read(found.tenant, found.id, Position(after), limit), after)

    async def of_run(self, who: Principal, run: str, after: int, limit: int) -> EventsPageView:
        who.must_be(Role.VIEWER)
        found = await find_run(self.runs, who, run)
        await check_end(self.journal, found.tenant, found.thread, after)
        await check_run_cursor(self.journal, found, after)
        return EventsPageView.of(await self.journal.read(found.tenant, found.thread, Position(after), limit, found.id), after)

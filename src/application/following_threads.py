"""Read a thread while things happen in it, run after run, and rows page by page for those who ask again and again."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from application.batches import Batch, RowReader, StreamItem, one_by_one
from application.cursors import check_cursor, check_end, check_next, check_run_cursor
from application.row_json import page_json
from application.runs import find_run
from application.threads import find_thread
from domain.access import Principal, Role
from domain.ids import Position, ThreadId
from domain.ports.feed import Feed, Slow, ThreadNews
from domain.ports.journal import Journal, Recorded
from domain.ports.repositories import Runs, Threads
from domain.run.events import RunEnded
from domain.thread import Thread


@dataclass(frozen=True, slots=True)
class FollowThread:
    threads: Threads
    runs: Runs
    journal: Journal
    feed: Feed

    async def __call__(self, who: Principal, thread: str, after: int = 0, *, passing: bool = False) -> AsyncIterator[StreamItem]:
        """As `batches`, item by item."""
        return one_by_one(await self.batches(who, thread, after, Slow.DROP_OLDEST if passing else None))

    async def batches(self, who: Principal, thread: str, after: int = 0, slow: Slow | None = None) -> AsyncIterator[Batch]:
        """The rows of a thread after a position, without end; with `slow` also what passes by. All that can be refused is refused here,
        before the first batch.

        Of a branch, rows that it shares with its parent are there too. `CursorGone` when rows that the reader has not seen were removed
        meanwhile, `ReaderTooSlow` where `slow` asks for it. Closing the iterator frees everything."""
        who.must_be(Role.VIEWER)
        found = await find_thread(self.threads, who, thread)
        await check_end(self.journal, found.tenant, found.id, after)
        await check_cursor(self.journal, found.tenant, found.id, after)
        return self._batches(found, Position(after), slow)

    async def _batches(self, thread: Thread, after: Position, slow: Slow | None) -> AsyncIterator[Batch]:
        async def read(after: Position, limit: int) -> Sequence[Recorded]:
            rows = await self.journal.read(thread.tenant, thread.id, after, limit)
            if rows:
                check_next(rows[0], after)
            return rows

        async with self.feed.listen_to_thread(thread.id, slow) as news, aclosing(RowReader(read, after).batches(news)) as batches:
            for run in await self.runs.unfinished(thread.tenant, thread.id):
                news.join(run.id)
            async for batch in batches:
                for row in batch:
                    if isinstance(row, Recorded):
                        _keep_company(news, row, thread.id)
                yield batch


def _keep_company(news: ThreadNews, row: Recorded, thread: ThreadId) -> None:
    """What passes by is heard from a run's first row, known from wherever, to its last. A parent's runs are none of ours."""
    if row.kind == RunEnded.kind:
        news.leave(row.run)
    elif row.thread == thread:
        news.join(row.run)


@dataclass(frozen=True, slots=True)
class ReadRows:
    """The rows that a stream would bring, page by page, with the same cursor: the JSON of an `EventsPageView`."""

    threads: Threads
    runs: Runs
    journal: Journal

    async def of_thread(self, who: Principal, thread: str, after: int, limit: int) -> bytes:
        who.must_be(Role.VIEWER)
        found = await find_thread(self.threads, who, thread)
        await check_end(self.journal, found.tenant, found.id, after)
        await check_cursor(self.journal, found.tenant, found.id, after)
        return page_json(await self.journal.read(found.tenant, found.id, Position(after), limit), after)

    async def of_run(self, who: Principal, run: str, after: int, limit: int) -> bytes:
        who.must_be(Role.VIEWER)
        found = await find_run(self.runs, who, run)
        await check_end(self.journal, found.tenant, found.thread, after)
        await check_run_cursor(self.journal, found, after)
        return page_json(await self.journal.read(found.tenant, found.thread, Position(after), limit, found.id), after)

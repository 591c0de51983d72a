"""Read a run while it happens: every durable row once and in order, whatever the news lose."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass

from application.activations import describe
from application.batches import Batch, RowReader, StreamItem, one_by_one
from application.cursors import check_end, check_run_cursor
from application.run_views import EndView, RunView
from application.runs import find_run
from domain.access import Principal, Role
from domain.ids import Position
from domain.ports.feed import PARKED, Feed, Slow
from domain.ports.inbox import Inbox
from domain.ports.journal import Journal, Recorded
from domain.ports.repositories import Runs
from domain.run.events import RunEnded
from domain.run.run import Run, RunStatus


@dataclass(frozen=True, slots=True)
class FollowRun:
    runs: Runs
    journal: Journal
    feed: Feed

    async def __call__(self, who: Principal, run: str, after: int = 0, *, passing: bool = False) -> AsyncIterator[StreamItem]:
        """As `batches`, item by item."""
        return one_by_one(await self.batches(who, run, after, Slow.DROP_OLDEST if passing else None))

    async def batches(self, who: Principal, run: str, after: int = 0, slow: Slow | None = None) -> AsyncIterator[Batch]:
        """The rows of a run after a position, then its end; with `slow` also what passes by. All that can be refused is refused here,
        before the first batch.

        Closing the iterator frees everything. It ends by itself after the `EndView`. `ReaderTooSlow` where `slow` asks for it."""
        who.must_be(Role.VIEWER)
        found = await find_run(self.runs, who, run)
        await check_end(self.journal, found.tenant, found.thread, after)
        await check_run_cursor(self.journal, found, after)
        # Read again: a row up to `after` may be the run's last one, and the first look may be older than it.
        return self._batches(await find_run(self.runs, who, run), Position(after), slow)

    async def _batches(self, run: Run, after: Position, slow: Slow | None) -> AsyncIterator[Batch]:
        async def read(after: Position, limit: int) -> Sequence[Recorded]:
            return await self.journal.read(run.tenant, run.thread, after, limit, run.id)

        async with self.feed.listen(run.thread, run.id, slow) as news, aclosing(RowReader(read, after).batches(news)) as batches:
            async for batch in batches:
                if end := _end_of(run, batch):
                    yield [*batch, end]
                    return
                yield batch


def _end_of(run: Run, batch: Batch) -> EndView | None:
    """What to end with after this batch. A run that was final before the look back needs no row: that look has read everything."""
    for row in batch:
        if isinstance(row, Recorded) and row.kind == RunEnded.kind:
            return EndView(run=run.id, status=RunStatus(json.loads(row.body)["status"]))
    return EndView(run=run.id, status=run.status) if run.status.is_final and not batch else None


@dataclass(frozen=True, slots=True)
class WaitForRun:
    """Holds the answer until the run is final, or parked for something that only the outside can give: a person, a signal, an operator. One
    that waits for a time goes on by itself."""

    runs: Runs
    journal: Journal
    feed: Feed
    inbox: Inbox

    async def __call__(self, who: Principal, run: str, seconds: float) -> tuple[RunView, bool]:
        """The run as it stands when it has settled (True) or when the time is over (False)."""
        who.must_be(Role.VIEWER)
        found = await find_run(self.runs, who, run)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._settle(who, found)
        found = await find_run(self.runs, who, run)
        has_settled = await self.has_settled(found)
        return await describe(self.journal, await find_run(self.runs, who, run)), has_settled

    async def has_settled(self, run: Run) -> bool:
        """A parked one has not while an answer, a signal or another wish for it is on its way to a worker: that will wake it."""
        if run.status.is_final or not run.needs_the_outside:
            return run.status.is_final
        if any(wish.run == run.id for wish in await self.inbox.waiting([run.thread])):
            return False
        # Read again, and after the inbox: a worker may have taken the run and what lay there since.
        now = await self.runs.get(run.tenant, run.id)
        return now.status.is_final or now.needs_the_outside

    async def _settle(self, who: Principal, run: Run) -> None:
        async with self.feed.listen(run.thread, run.id) as news:
            if await self.has_settled(await self.runs.get(who.tenant, run.id)):
                return
            async for item in news:
                turning = item is None or item.kind in (RunEnded.kind, PARKED)
                if turning and await self.has_settled(await self.runs.get(who.tenant, run.id)):
                    return

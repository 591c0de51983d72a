"""Read a run while it happens: every durable row once and in order, whatever the news lose."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias

from application.activations import describe, rows_of
from application.cursors import check_end, check_run_cursor
from application.run_views import EndView, EventView, PassingView, RunView
from application.runs import find_run
from domain.access import Principal, Role
from domain.ids import Position
from domain.ports.feed import PARKED, Feed, Passing
from domain.ports.journal import Journal, Recorded
from domain.ports.repositories import Runs
from domain.run.events import RunEnded
from domain.run.run import Run, RunStatus

StreamItem: TypeAlias = EventView | PassingView | EndView | None
"""None: nothing new just now; a chance to show that the line is alive."""


@dataclass(frozen=True, slots=True)
class FollowRun:
    runs: Runs
    journal: Journal
    feed: Feed

    async def __call__(self, who: Principal, run: str, after: int = 0, *, passing: bool = False) -> AsyncIterator[StreamItem]:
        """The rows of a run after a position, then its end. All that can be refused is refused here, before the first item.

        Closing the iterator frees everything. It ends by itself after the `EndView`."""
        who.must_be(Role.VIEWER)
        found = await find_run(self.runs, who, run)
        await check_end(self.journal, found.tenant, found.thread, after)
        await check_run_cursor(self.journal, found, after)
        # Read again: a row up to `after` may be the run's last one, and the first look may be older than it.
        return self._items(await find_run(self.runs, who, run), Position(after), passing)

    async def _items(self, run: Run, after: Position, passing: bool) -> AsyncIterator[StreamItem]:
        async with self.feed.listen(run.thread, run.id) as news:
            async for item in looking_back_first(news):
                if isinstance(item, Passing):
                    if passing and item.kind != PARKED:
                        yield PassingView.of(item)
                    continue
                async for row in self._since(run, after, item):
                    after = row.position
                    yield EventView.of(row)
                    if row.kind == RunEnded.kind:
                        yield _end_of(run, row)
                        return
                if run.status.is_final:  # was so before the look back, so that look has read everything
                    yield EndView(run=run.id, status=run.status)
                    return
                if item is None:
                    yield None

    async def _since(self, run: Run, after: Position, item: Recorded | None) -> AsyncIterator[Recorded]:
        """The rows that an item of news makes known. A row that follows the last one is taken as it is; after anything else the journal is
        asked, since another process may have appended what this one's feed never saw."""
        if item is None or item.position > after + 1:
            async for row in rows_of(self.journal, run, after):
                yield row
        elif item.position > after:
            yield item


async def looking_back_first(news: AsyncIterator[Recorded | Passing | None]) -> AsyncIterator[Recorded | Passing | None]:
    yield None
    async for item in news:
        yield item


def _end_of(run: Run, row: Recorded) -> EndView:
    return EndView(run=run.id, status=RunStatus(json.loads(row.body)["status"]))


@dataclass(frozen=True, slots=True)
class WaitForRun:
    """Holds the answer until the run is final, or parked for something that only the outside can give."""

    runs: Runs
    journal: Journal
    feed: Feed

    async def __call__(self, who: Principal, run: str, seconds: float) -> tuple[RunView, bool]:
        """The run as it stands when it has settled (True) or when the time is over (False)."""
        who.must_be(Role.VIEWER)
        found = await find_run(self.runs, who, run)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._settle(who, found)
        found = await find_run(self.runs, who, run)
        return await describe(self.journal, found), settled(found)

    async def _settle(self, who: Principal, run: Run) -> None:
        async with self.feed.listen(run.thread, run.id) as news:
            if settled(await self.runs.get(who.tenant, run.id)):
                return
            async for item in news:
                turning = item is None or item.kind in (RunEnded.kind, PARKED)
                if turning and settled(await self.runs.get(who.tenant, run.id)):
                    return


def settled(run: Run) -> bool:
    """A run that waits for a time goes on by itself; one that waits for a person, a signal or an operator does not."""
    return run.status.is_final or run.needs_the_outside

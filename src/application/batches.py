"""From news to rows: each once and in order, in batches as large as what is there just now."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, TypeAlias

from application.run_views import EndView, EventView, PassingView
from domain.ids import Position
from domain.ports.feed import PARKED, Item, NewsOfRun, Passing, Slow, ThreadNews
from domain.ports.journal import Recorded

__all__ = ["Batch", "Passing", "Recorded", "RowReader", "Slow", "StreamItem", "one_by_one"]

PAGE: Final = 128
"""The most rows that are held for one reader at a time, read from the journal."""
FIRST_PAGE: Final = 16
"""Pages grow from here: nobody knows how heavy the rows are before some were read."""
PAGE_BYTES: Final = 64 * 1024
"""The most that their bodies weigh together; a single heavier one is held alone."""

Batch: TypeAlias = Sequence[Recorded | Passing | EndView]
"""Empty: nothing new just now; a chance to show that the line is alive."""
StreamItem: TypeAlias = EventView | PassingView | EndView | None
"""None: as an empty batch."""


@dataclass(slots=True)
class RowReader:
    """`read`: so many rows after a position. `after`: the last row that was handed out."""

    read: Callable[[Position, int], Awaitable[Sequence[Recorded]]]
    after: Position
    limit: int = FIRST_PAGE

    async def batches(self, news: NewsOfRun | ThreadNews) -> AsyncGenerator[Batch]:
        """Looks back first; after that comes the first empty batch."""
        async for page in self._pages():
            yield page
        yield ()
        async for item in news:
            if item is None:  # what waits is heard before a look at the journal, which may find the end
                async for batch in self._in_order(news.ready()):
                    yield batch
            # The error of a reader that is too slow stands behind what it still gets, and comes with what is ready after that.
            items = (*news.ready(), None) if item is None else (item, *news.ready())
            passing = [one for one in items if isinstance(one, Passing)]
            if len(passing) == len(items):  # while a model speaks: nothing that the journal is asked for
                yield [one for one in passing if one.kind != PARKED]
                continue
            async for batch in self._in_order(items):
                yield batch

    async def _in_order(self, items: Iterable[Item]) -> AsyncIterator[Batch]:
        fresh: list[Recorded | Passing] = []
        for item in items:
            if self._is_gap(item):
                if fresh:
                    yield fresh
                fresh = []
                async for page in self._pages():
                    yield page
            else:
                fresh.extend(self._of(item))
        yield fresh

    def _is_gap(self, item: Item) -> bool:
        """The journal is asked after anything but the next row, since another process may have appended what this one's feed never saw."""
        return not isinstance(item, Passing) and (item is None or item.position > self.after + 1)

    def _of(self, item: Item) -> Sequence[Recorded | Passing]:
        if isinstance(item, Passing):
            return () if item.kind == PARKED else (item,)
        if item is None or item.position <= self.after:
            return ()
        self.after = item.position
        return (item,)

    async def _pages(self) -> AsyncIterator[Sequence[Recorded]]:
        while rows := await self.read(self.after, self.limit):
            page, is_last = _fitting(rows), len(rows) < self.limit
            self.limit = min(PAGE, len(page) * 2) if len(page) < len(rows) else min(PAGE, self.limit * 2)
            self.after, is_last = page[-1].position, is_last and len(page) == len(rows)
            del rows  # what did not fit is read again; nothing holds it while the reader reads
            yield page
            if is_last:
                return


def _fitting(rows: Sequence[Recorded]) -> Sequence[Recorded]:
    """As many of the first ones as may be held together."""
    size = 0
    for count, row in enumerate(rows):
        size += len(row.body)
        if count and size > PAGE_BYTES:
            return rows[:count]
    return rows


async def one_by_one(batches: AsyncIterator[Batch]) -> AsyncIterator[StreamItem]:
    """The same, row by row; None for an empty batch."""
    async with aclosing(batches):  # type: ignore[type-var]
        async for batch in batches:
            if not batch:
                yield None
            for item in batch:
                yield _view(item)


def _view(item: Recorded | Passing | EndView) -> EventView | PassingView | EndView:
    match item:
        case Recorded():
            return EventView.of(item)
        case Passing():
            return PassingView.of(item)
        case EndView():
            return item

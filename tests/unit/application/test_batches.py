"""Pages of a reader: each row once and in order, and no more held at a time than a reader may cost."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from random import Random

import pytest

from application.batches import PAGE, PAGE_BYTES, RowReader
from domain.ids import Position, RunId, ThreadId
from domain.ports.feed import Item, Passing
from domain.ports.journal import Recorded

CHUNK = Passing(RunId("run"), "text", "/a#1", "so")


def row(position: int, size: int = 2) -> Recorded:
    body = b'{"x":"' + b"x" * size + b'"}'
    return Recorded(ThreadId("thread"), Position(position), RunId("run"), "node_finished", body, datetime(2026, 5, 4, tzinfo=UTC))


class Told:
    """News that have all come already: each inner list is what is there at once."""

    def __init__(self, *heaps: list[Item]) -> None:
        self._heaps = list(heaps)

    def __aiter__(self) -> AsyncIterator[Item]:
        return self

    async def __anext__(self) -> Item:
        while self._heaps and not self._heaps[0]:
            self._heaps.pop(0)
        if not self._heaps:
            raise StopAsyncIteration
        return self._heaps[0].pop(0)

    def ready(self) -> Sequence[Item]:
        heap = self._heaps[0] if self._heaps and None not in self._heaps[0] else []
        found, heap[:] = list(heap), []
        return found


class Book:
    """A journal of one thread that says how much was read from it."""

    def __init__(self, sizes: Sequence[int]) -> None:
        self.rows = [row(number, size) for number, size in enumerate(sizes, 1)]
        self.read_rows = 0

    async def read(self, after: Position, limit: int) -> Sequence[Recorded]:
        found = self.rows[after : after + limit]
        self.read_rows += len(found)
        return found


async def pages(book: Book, *heaps: list[Item]) -> list[Sequence[object]]:
    async with aclosing(RowReader(book.read, Position(0)).batches(Told(*heaps))) as batches:
        return [batch async for batch in batches if batch]


def positions(batches: Sequence[Sequence[object]]) -> list[int]:
    return [item.position for batch in batches for item in batch if isinstance(item, Recorded)]


@pytest.mark.parametrize("seed", range(20))
async def test_rows_of_any_size_come_once_and_in_order_and_never_more_than_fit_are_held(seed: int) -> None:
    chance = Random(seed)
    book = Book([chance.choice([2, 2, 2, 2000, PAGE_BYTES // 2, PAGE_BYTES * 2]) for _ in range(400)])
    found = await pages(book)

    assert positions(found) == list(range(1, 401))
    for batch in found:
        bodies = [len(item.body) for item in batch if isinstance(item, Recorded)]
        assert len(bodies) <= PAGE
        assert sum(bodies) <= PAGE_BYTES or len(bodies) == 1


async def test_little_is_read_twice_of_rows_too_heavy_to_be_held_together() -> None:
    book = Book([PAGE_BYTES * 2] * 100)
    assert positions(await pages(book)) == list(range(1, 101))
    assert book.read_rows <= 100 * 2 + 16


async def test_what_comes_at_once_is_one_batch_with_chunks_where_they_belong() -> None:
    (batch,) = await pages(Book([]), [row(1), CHUNK, row(2)])

    assert batch == [row(1), CHUNK, row(2)]


async def test_a_row_that_does_not_follow_sends_to_the_journal_and_is_not_brought_twice() -> None:
    book = Book([])
    reader = RowReader(book.read, Position(0))
    async with aclosing(reader.batches(Told([row(1), row(4), CHUNK, row(5)]))) as batches:
        await anext(batches)
        book.rows = [row(number) for number in range(1, 6)]
        found = [batch async for batch in batches if batch]

    assert positions(found) == [1, 2, 3, 4, 5]


async def test_chunks_that_wait_are_heard_before_a_look_at_the_journal_that_may_find_the_end() -> None:
    book = Book([])
    reader = RowReader(book.read, Position(0))
    async with aclosing(reader.batches(Told([None, CHUNK]))) as batches:
        await anext(batches)
        book.rows = [row(1)]
        found = [batch async for batch in batches if batch]

    assert [type(item) for batch in found for item in batch] == [Passing, Recorded]

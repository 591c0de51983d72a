"""What is the memory store's own: it encodes late, and lets others have their turn."""

import asyncio
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

from domain.ids import ContentHash, Position, RunId, TenantId, ThreadId, WorkerId
from domain.ports.journal import Append
from domain.ports.queue import Claim
from domain.ports.repositories import IdempotencyMark, NewRun
from domain.run.events import CancelRequested
from domain.run.run import Run
from infrastructure.clock import SystemClock
from infrastructure.store import codec
from infrastructure.store.memory import open_memory
from infrastructure.store.memory.book import Book
from infrastructure.store.memory.line import Line
from infrastructure.store.memory.marks import MemoryMarks
from infrastructure.store.store import Store


async def a_claim(store: Store) -> Claim:
    run = Run(RunId("r"), TenantId("t"), ThreadId("th"), "w@1.0.0", ContentHash("c"), {}, datetime(2026, 5, 4, tzinfo=UTC))
    await store.runs.start(NewRun(run))
    (claim,) = await store.queue.claim(WorkerId("w"), 1, 60)
    return claim


async def test_a_row_is_encoded_when_somebody_looks_and_only_once() -> None:
    with patch("infrastructure.store.memory.log.encode", wraps=codec.encode) as encode:
        async with open_memory(clock=SystemClock()) as store:
            claim = await a_claim(store)
            rows = await store.journal.append(Append(claim.lease, Position(0), [CancelRequested("ann"), CancelRequested("bob")]))
            assert (len(rows), encode.call_count) == (2, 0)

            looks = [rows[1], rows[-1], *rows[1:], (await store.journal.read(claim.run.tenant, claim.run.thread, Position(1)))[0]]

    assert encode.call_count == 1
    assert len({id(row) for row in looks}) == 1
    assert store.journal.decode(rows[1]) == CancelRequested("bob")


async def test_a_run_that_never_waits_lets_others_have_their_turn() -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async with open_memory(clock=SystemClock()) as store:
        claim = await a_claim(store)
        beside = asyncio.create_task(others())
        for position in range(1_000):
            await store.journal.append(Append(claim.lease, Position(position), [CancelRequested("ann")]))
        beside.cancel()

    assert turns >= 10


async def test_two_stores_in_one_process_know_nothing_of_each_other() -> None:
    async with open_memory(clock=SystemClock()) as first, open_memory(clock=SystemClock()) as second:
        await a_claim(first)

        assert (await second.queue.depth()).claimed == 0
        assert not (await second.threads.list(TenantId("t"), 10, None)).items


async def test_old_marks_are_forgotten_when_a_new_one_comes() -> None:
    book, tenant, noon = Book(Line()), TenantId("t"), datetime(2026, 5, 4, 12, tzinfo=UTC)
    marks = MemoryMarks(book)
    for number in range(150):
        await marks.take(tenant, IdempotencyMark(f"old {number}", "d", noon), "subject")

    await marks.take(tenant, IdempotencyMark("new", "d", noon + timedelta(hours=24)), "subject")
    assert len(book.marks) == 51
    await marks.take(tenant, IdempotencyMark("newer", "d", noon + timedelta(hours=24)), "subject")
    assert [key for _, key in book.marks] == ["new", "newer"]

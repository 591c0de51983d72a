"""What sharing commits must not change: who is refused, who is not, and what a lost answer means."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import asyncpg
import pytest

from domain.errors import DatabaseError, Fenced
from domain.ids import BEGINNING, Epoch
from domain.ports.queue import Claim
from domain.ports.repositories import IdempotencyMark, NewRun
from domain.run.run import RunStatus
from domain.usage import Usage
from infrastructure.clock import SystemClock
from infrastructure.store.bells import Bells
from infrastructure.store.open import open_store
from infrastructure.store.store import Store
from tests.integration.store.builders import (
    ANN,
    LONG,
    NOON,
    a_claim,
    a_result,
    a_run,
    append,
    finish,
    graph_of,
    many_claims,
    started,
    usage_row,
)
from tests.servers.cutting_proxy import CuttingProxy, Loses, cutting_proxy

durable = pytest.mark.parametrize("backend", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
on_postgres = pytest.mark.parametrize("backend", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
on_sqlite = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


async def positions(store: Store, claim: Claim) -> list[int]:
    return [row.position for row in await store.journal.read(claim.lease.tenant, claim.lease.thread, BEGINNING)]


async def one_each(store: Store, claims: list[Claim]) -> list[object]:
    """All at once: what came of an append for each of these."""
    return list(await asyncio.gather(*(append(store, claim.lease, 0, a_result()) for claim in claims), return_exceptions=True))


@durable
async def test_one_fenced_unit_of_a_batch_is_refused_and_the_nineteen_others_share_its_commit(store: Store, committed: list[int]) -> None:
    claims = list(await many_claims(store, 20))
    claims[7] = replace(claims[7], lease=replace(claims[7].lease, epoch=Epoch(claims[7].lease.epoch - 1)))

    came = await one_each(store, claims)

    assert [isinstance(rows, Fenced) for rows in came] == [number == 7 for number in range(20)]
    assert sum(committed) == 19
    assert len(committed) <= 2, "the first append goes alone at most, the others together"


@durable
async def test_a_unit_the_database_does_not_take_fails_alone(store: Store) -> None:
    claims = await many_claims(store, 3)
    huge = usage_row(claims[1].run, usage=Usage("fast", 2**70, 0))

    good, bad, also_good = await asyncio.gather(
        append(store, claims[0].lease, 0, a_result()),
        append(store, claims[1].lease, 0, a_result(), usage=[huge]),
        append(store, claims[2].lease, 0, a_result()),
        return_exceptions=True,
    )

    assert isinstance(bad, DatabaseError)
    assert [len(rows) for rows in (good, also_good) if not isinstance(rows, BaseException)] == [1, 1]
    assert await positions(store, claims[1]) == []


@durable
async def test_closing_writes_what_has_come(store: Store, url: str) -> None:
    clock = SystemClock()
    async with open_store(url, parse=graph_of, clock=clock, on_committed=lambda *_: None) as other:
        claim = await a_claim(other)
        sent = asyncio.create_task(append(other, claim.lease, 0, a_result()))
        await asyncio.sleep(0)

    assert [row.position for row in await sent] == [1]
    with pytest.raises(DatabaseError):
        await append(other, claim.lease, 1, a_result())
    assert await positions(store, claim) == [1]


# A claim that slips between the check and the commit.


@on_postgres
@pytest.mark.parametrize(("verdict", "refused"), [("COMMIT", True), ("ROLLBACK", False)], ids=["the claim commits", "the claim is undone"])
async def test_a_head_that_is_being_claimed_is_passed_over_and_tried_again(store: Store, url: str, verdict: str, refused: bool) -> None:
    ours, other = await many_claims(store, 2)
    claimant = await asyncpg.connect(url)
    await claimant.execute("BEGIN")
    await claimant.execute("UPDATE heads SET epoch = epoch + 1 WHERE thread = $1", ours.lease.thread)

    sent = asyncio.create_task(append(store, ours.lease, 0, a_result()))
    await append(store, other.lease, 0, a_result())  # nobody waits for the head that is locked
    assert not sent.done()

    await claimant.execute(verdict)
    await claimant.close()
    (came,) = await asyncio.gather(sent, return_exceptions=True)
    assert isinstance(came, Fenced) is refused
    assert await positions(store, ours) == ([] if refused else [1])


@on_sqlite
async def test_an_append_that_waits_for_another_process_sees_its_claim(store: Store, url: str) -> None:
    claim = await a_claim(store)
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as claimant:
        claimant.execute("BEGIN IMMEDIATE")
        claimant.execute("UPDATE heads SET epoch = epoch + 1 WHERE thread = ?", (claim.lease.thread,))
        sent = asyncio.create_task(append(store, claim.lease, 0, a_result()))
        await store.journal.end(claim.lease.tenant, claim.lease.thread)  # readers are not held up
        assert not sent.done()
        claimant.execute("COMMIT")

    with pytest.raises(Fenced):
        await sent
    assert await positions(store, claim) == []


# Answers that are lost.


@dataclass(frozen=True, slots=True)
class Far:
    """A store that is reached through a proxy; `near` is the same without."""

    store: Store
    proxy: CuttingProxy
    near: Store


@asynccontextmanager
async def far_store(url: str, near: Store) -> AsyncIterator[Far]:
    parts = urlsplit(url)
    async with cutting_proxy(parts.port or 0) as proxy:
        through = url.replace(f":{parts.port}/", f":{proxy.port}/")
        # Wake-ups stay in here: what is cut is to be what the test does.
        async with open_store(through, parse=graph_of, clock=SystemClock(), on_committed=lambda *_: None, hints=Bells()) as store:
            yield Far(store, proxy, near)


@pytest.fixture
async def far(url: str, store: Store) -> AsyncIterator[Far]:
    async with far_store(url, store) as opened:
        yield opened


@on_postgres
@pytest.mark.parametrize("lost", list(Loses), ids=["the question is lost", "the answer is lost"])
async def test_an_append_whose_connection_breaks_happens_exactly_once(far: Far, lost: Loses) -> None:
    claim = await a_claim(far.store)
    await append(far.store, claim.lease, 0, a_result())

    far.proxy.cut_next(lost)
    rows = await append(far.store, claim.lease, 1, a_result("/b#1"))

    assert far.proxy.cuts == 1
    assert [row.position for row in rows] == [2]
    assert [(row.position, row.body, row.at) for row in await far.near.journal.read(claim.lease.tenant, claim.lease.thread, BEGINNING)][
        1:
    ] == [(row.position, row.body, row.at) for row in rows]
    assert [row.position for row in await append(far.store, claim.lease, 2, a_result("/c#1"))] == [3]


@on_postgres
async def test_an_append_that_ends_after_its_connection_broke_is_not_written_twice(far: Far, url: str) -> None:
    """The server is still at it, behind a row that somebody holds, while the writer looks, finds nothing yet, and sends it again."""
    claim = await a_claim(far.store)
    await append(far.store, claim.lease, 0, a_result())
    holder = await asyncpg.connect(url)
    await holder.execute("BEGIN")
    await holder.execute("SELECT 1 FROM runs WHERE id = $1 FOR UPDATE", claim.run.id)

    sent = asyncio.create_task(append(far.store, claim.lease, 1, a_result("/b#1"), run=claim.run))
    await waiting_for_a_lock(holder)
    await far.proxy.break_now()
    await asyncio.wait({sent}, timeout=0.1)
    assert not sent.done()
    await holder.execute("COMMIT")
    await holder.close()

    assert [row.position for row in await sent] == [2]
    assert await positions(far.near, claim) == [1, 2]


@on_postgres
async def test_who_was_fenced_behind_a_lost_answer_is_told_so(far: Far, url: str) -> None:
    claim = await a_claim(far.store)
    await append(far.store, claim.lease, 0, a_result())
    taker = await asyncpg.connect(url)
    await taker.execute("UPDATE heads SET epoch = epoch + 1 WHERE thread = $1", claim.lease.thread)
    await taker.close()

    far.proxy.cut_next(Loses.ANSWER)
    with pytest.raises(Fenced):
        await append(far.store, claim.lease, 1, a_result())


@on_postgres
async def test_without_a_server_an_append_fails_typed_and_later_ones_go_on(far: Far) -> None:
    claim = await a_claim(far.store)
    await append(far.store, claim.lease, 0, a_result())

    far.proxy.is_down = True
    far.proxy.cut_next(Loses.QUESTION)
    with pytest.raises(DatabaseError, match="PostgreSQL does not answer"):
        await append(far.store, claim.lease, 1, a_result())
    far.proxy.is_down = False

    assert [row.position for row in await append(far.store, claim.lease, 1, a_result())] == [2]


@on_postgres
@pytest.mark.parametrize("lost", list(Loses), ids=["the question is lost", "the answer is lost"])
async def test_a_start_whose_connection_breaks_happens_exactly_once(far: Far, lost: Loses) -> None:
    await started(far.store)
    run = a_run()

    far.proxy.cut_next(lost)
    answer = await far.store.runs.start(NewRun(run))

    assert far.proxy.cuts == 1
    assert answer.fresh
    assert [claim.run.id for claim in await far.near.queue.claim(ANN, 10, LONG)].count(run.id) == 1


@on_postgres
@pytest.mark.parametrize("lost", list(Loses), ids=["the question is lost", "the answer is lost"])
async def test_a_marked_start_whose_connection_breaks_is_not_taken_for_a_replay_of_itself(far: Far, lost: Loses) -> None:
    await far.store.runs.start(NewRun(a_run(), mark=IdempotencyMark("another", "digest", NOON)))
    new = NewRun(a_run(), mark=IdempotencyMark("key", "digest", NOON))

    far.proxy.cut_next(lost)

    assert (await far.store.runs.start(new)).fresh
    assert not (await far.near.runs.start(replace(new, run=replace(new.run, id=a_run().id)))).fresh


@on_postgres
async def test_a_marked_start_comes_through_though_old_marks_could_not_be_dropped(far: Far) -> None:
    await started(far.store)

    far.proxy.cut_next(Loses.QUESTION)
    answer = await far.store.runs.start(NewRun(a_run(), mark=IdempotencyMark("first", "digest", NOON)))

    assert (far.proxy.cuts, answer.fresh) == (1, True)


@on_postgres
async def test_a_start_that_is_sent_again_after_its_run_is_over_puts_nothing_in_the_queue(store: Store) -> None:
    claim = await a_claim(store)
    await finish(store, claim)

    await store.runs.start(NewRun(claim.run))

    assert not await store.queue.claim(ANN, 10, LONG)
    assert (await store.runs.get(claim.run.tenant, claim.run.id)).status is RunStatus.COMPLETED


@on_postgres
async def test_a_read_whose_connection_breaks_fails_typed(far: Far) -> None:
    run = await started(far.store)

    far.proxy.cut_next(Loses.ANSWER)
    with pytest.raises(DatabaseError):
        await far.store.runs.get(run.tenant, run.id)

    assert (await far.store.runs.get(run.tenant, run.id)).status is RunStatus.QUEUED


async def waiting_for_a_lock(connection: asyncpg.Connection) -> None:
    """Returns when another session waits for something this one holds."""
    async with asyncio.timeout(10):
        while not await connection.fetchval("SELECT count(*) FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"):
            await connection.execute("SELECT pg_sleep(0.005)")

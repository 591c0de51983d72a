"""What every store promises about large values: readers get them whole, and a database keeps each once."""

import asyncio
import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from domain.errors import Fenced
from domain.ids import BEGINNING, ActivationPath, Epoch, Position, TenantId, ThreadId
from domain.ports.journal import Append, Checkpoint
from domain.ports.queue import Claim
from domain.ports.repositories import IdempotencyMark, NewRun, RunFilter
from domain.run.events import NodeFinished, RunEnded, RunStarted
from domain.run.run import Run, RunStatus
from domain.thread import Thread, ThreadType
from infrastructure.ids import new_id
from infrastructure.store.store import Store
from tests.integration.store.builders import ANN, LONG, NOON, a_claim, a_result, a_run, a_tenant, append, claimed

MIB = 1024 * 1024
BIG = "abc" * MIB
SOON = timedelta(hours=2)
ON_DATABASES = pytest.mark.parametrize("backend", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
ON_POSTGRES = pytest.mark.parametrize("backend", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
_KEPT = "SELECT count(*), coalesce(sum(size_bytes), 0) FROM blobs"
_ROWS = """SELECT (SELECT coalesce(sum(length(body)), 0) FROM journal) + (SELECT coalesce(sum(length(body)), 0) FROM checkpoints)
    + (SELECT coalesce(sum(length(asked) + length(outcome)), 0) FROM runs)"""
_USES = "SELECT count(*) FROM blob_uses"


async def asked(url: str, statement: str) -> tuple[Any, ...]:
    """One row, as an outsider reads it."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            row: tuple[Any, ...] = connection.execute(statement).fetchone()
            return row
    connection = await asyncpg.connect(url)
    try:
        return tuple(await connection.fetchrow(statement))
    finally:
        await connection.close()


async def kept(url: str) -> tuple[int, int]:
    """How many values, and their bytes."""
    count, size = await asked(url, _KEPT)
    return int(count), int(size)


async def carried(store: Store, run: Run, *, opens_thread: bool = True, checkpoint: bool = False) -> Run:
    """A run that is given its input, writes it, and gives it back."""
    await store.runs.start(NewRun(run, opens_thread=opens_thread))
    claim = await claimed(store)
    events = (
        RunStarted(run.id, run.workflow_hash, claim.run.input, 1.0),
        NodeFinished(ActivationPath("/a#1"), claim.run.input, (), Position(0)),
        RunEnded("completed", dict(claim.run.input)),
    )
    over = replace(claim.run, status=RunStatus.COMPLETED, output=dict(claim.run.input), ended_at=run.created_at)
    end = Position(claim.position + len(events))
    body = json.dumps({"values": claim.run.input, "run": None}).encode()
    told = Checkpoint(end, body) if checkpoint else None
    await append(store, claim.lease, claim.position, *events, run=over, checkpoint=told, release_at=0.0)
    return over


async def a_writer(store: Store, tenant: TenantId | None = None, **updates: Any) -> Claim:
    """A claimed run that has written."""
    await store.runs.start(NewRun(a_run(tenant)))
    claim = await claimed(store)
    await append(store, claim.lease, 0, a_result(**updates))
    return claim


async def test_every_reader_gets_the_whole_value(store: Store) -> None:
    run = a_run(input={"doc": BIG, "n": 1})
    over = await carried(store, run, checkpoint=True)

    rows = await store.journal.read(run.tenant, run.thread, BEGINNING)
    started, wrote, ended = (store.journal.decode(row) for row in rows)
    assert isinstance(started, RunStarted)
    assert isinstance(ended, RunEnded)
    assert started.input == ended.output == {"doc": BIG, "n": 1}
    assert isinstance(wrote, NodeFinished)
    assert wrote.updates == {"doc": BIG, "n": 1}
    assert [row.body[:1] for row in rows] == [b"{"] * 3
    assert await store.journal.read(run.tenant, run.thread, BEGINNING, run=run.id) == rows
    newest = await store.journal.newest_checkpoint(run.tenant, run.thread)
    assert newest is not None
    assert json.loads(newest.body) == {"values": {"doc": BIG, "n": 1}, "run": None}
    assert await store.runs.get(run.tenant, run.id) == over
    assert (await store.runs.list(run.tenant, RunFilter(), 10, None)).items == (over,)


async def test_what_an_append_answers_is_what_a_reader_gets(store: Store) -> None:
    claim = await a_claim(store)
    rows = await append(store, claim.lease, 0, a_result(doc=BIG))

    assert list(rows) == list(await store.journal.read(claim.lease.tenant, claim.lease.thread, BEGINNING))


async def test_a_run_that_waits_has_its_whole_input_for_everybody(store: Store) -> None:
    run = a_run(input={"doc": BIG})
    mark = IdempotencyMark("key", "digest", run.created_at)
    await store.runs.start(NewRun(run, mark=mark))

    assert [one.input for one in await store.runs.unfinished(run.tenant, run.thread)] == [{"doc": BIG}]
    again = await store.runs.start(NewRun(a_run(run.tenant, input={"doc": BIG}), mark=mark))
    assert (again.fresh, again.run.id, again.run.input) == (False, run.id, {"doc": BIG})
    assert (await claimed(store)).run.input == {"doc": BIG}


async def test_starts_side_by_side_keep_what_each_was_given(store: Store) -> None:
    runs = [a_run(input={"doc": BIG[:MIB] + str(n % 2), "n": n}) for n in range(6)]
    await asyncio.gather(*(store.runs.start(NewRun(run)) for run in runs))

    claims = await store.queue.claim(ANN, 6, LONG)
    assert sorted((claim.run.input for claim in claims), key=lambda given: int(str(given["n"]))) == [run.input for run in runs]


async def test_a_branch_reads_what_its_parent_wrote(store: Store) -> None:
    run = a_run(input={"doc": BIG})
    await carried(store, run, checkpoint=True)
    branch = Thread(ThreadId(new_id()), run.tenant, NOON, ThreadType.BRANCH, parent=run.thread, parent_position=Position(3))
    await store.threads.add(branch)

    rows = await store.journal.read(run.tenant, branch.id, BEGINNING)
    newest = await store.journal.newest_checkpoint(run.tenant, branch.id)
    branched = store.journal.decode(rows[1])
    assert isinstance(branched, NodeFinished)
    assert branched.updates == {"doc": BIG}
    assert newest is not None
    assert json.loads(newest.body)["values"] == {"doc": BIG}


@ON_DATABASES
async def test_a_value_of_3_mib_carried_through_100_runs_of_a_thread_is_kept_once(store: Store, url: str) -> None:
    run = a_run()
    for number in range(100):
        run = a_run(run.tenant, thread=run.thread, input={"doc": BIG, "n": number})
        await carried(store, run, opens_thread=number == 0, checkpoint=number % 10 == 9)

    assert await kept(url) == (1, len(BIG) + 2)
    assert (await asked(url, _USES))[0] == 1
    assert (await asked(url, _ROWS))[0] < 200_000, "1,500 bytes a run, where 12 MiB were"
    assert (await store.runs.get(run.tenant, run.id)).output == {"doc": BIG, "n": 99}


@ON_DATABASES
async def test_tenants_share_nothing(store: Store, url: str) -> None:
    first, second = await a_writer(store, doc=BIG), await a_writer(store, doc=BIG)

    assert await kept(url) == (2, 2 * (len(BIG) + 2))
    for claim in (first, second):
        (row,) = await store.journal.read(claim.lease.tenant, claim.lease.thread, BEGINNING)
        assert store.journal.decode(row) == a_result(doc=BIG)


@ON_DATABASES
async def test_a_refused_append_keeps_no_value(store: Store, url: str) -> None:
    claim = await a_claim(store)
    with pytest.raises(Fenced):
        await append(store, replace(claim.lease, epoch=Epoch(99)), 0, a_result(doc=BIG))

    assert await kept(url) == (0, 0)
    assert await asked(url, _USES) == (0,)


@ON_DATABASES
async def test_in_one_batch_a_refused_append_takes_nothing_from_the_others(store: Store, url: str) -> None:
    tenant = a_tenant()
    for _ in range(3):
        await store.runs.start(NewRun(a_run(tenant)))
    one, lost, other = await store.queue.claim(ANN, 3, LONG)
    gone = replace(lost.lease, epoch=Epoch(99))
    units = [Append(lease, Position(0), [a_result(doc=BIG)]) for lease in (one.lease, gone, other.lease)]
    answers = await asyncio.gather(*map(store.journal.append, units), return_exceptions=True)

    assert [isinstance(answer, Fenced) for answer in answers] == [False, True, False]
    assert (await kept(url))[0] == 1
    assert await asked(url, _USES) == (2,)


@ON_DATABASES
async def test_a_value_that_nothing_refers_to_is_swept_when_its_time_is_over(store: Store, url: str) -> None:
    tenant = a_tenant()
    await carried(store, a_run(tenant, created_at=NOON, input={"doc": BIG}))
    second = await carried(store, a_run(tenant, created_at=NOON + timedelta(minutes=1), input={"doc": BIG, "other": BIG[1:]}))
    now = datetime.now(UTC)

    assert await store.retention.forget_runs(NOON + SOON, 1) == 1
    assert await store.retention.forget_values(now + SOON, 10) == 0, "the other thread has it still"
    assert (await store.runs.get(tenant, second.id)).output == second.output
    assert await store.retention.forget_runs(NOON + SOON, 1) == 1
    assert await asked(url, _USES) == (0,)
    assert await store.retention.forget_values(NOON - SOON, 10) == 0, "it was used a moment ago"
    assert [await store.retention.forget_values(now + SOON, 1) for _ in range(3)] == [1, 1, 0]


@ON_DATABASES
async def test_a_thread_that_goes_on_lets_go_of_values_that_its_rows_do_not_have_any_more(store: Store, url: str) -> None:
    claim = await a_writer(store, doc=BIG)
    lease, body = claim.lease, json.dumps({"values": {"doc": BIG[1:]}}).encode()
    await append(store, lease, 1, a_result(doc=BIG[1:]))
    await append(store, lease, 2, a_result(doc=BIG[2:]), checkpoint=Checkpoint(Position(3), body))
    assert (await kept(url))[0] == 3

    later = datetime.now(UTC) + SOON
    assert await store.retention.forget_rows(later, 100) == 2
    assert await store.retention.forget_values(later, 100) == 1
    (row,) = await store.journal.read(lease.tenant, lease.thread, Position(2))
    newest = await store.journal.newest_checkpoint(lease.tenant, lease.thread)
    assert store.journal.decode(row) == a_result(doc=BIG[2:])
    assert newest is not None
    assert json.loads(newest.body) == {"values": {"doc": BIG[1:]}}


@ON_POSTGRES
async def test_a_value_that_is_just_being_used_again_is_not_swept(store: Store, url: str) -> None:
    claim = await a_writer(store, doc=BIG)
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("DELETE FROM blob_uses")
        await connection.execute("UPDATE blobs SET created_at = 1")
        using = connection.transaction()
        await using.start()
        await connection.execute("UPDATE blobs SET created_at = 2000000000")
        sweeping = asyncio.create_task(store.retention.forget_values(datetime.now(UTC), 10))
        await _until_something_waits(connection)
        await connection.execute("INSERT INTO blob_uses SELECT tenant, hash, $1 FROM blobs", claim.lease.thread)
        await using.commit()
    finally:
        await connection.close()

    assert await sweeping == 0
    assert (await kept(url))[0] == 1


async def _until_something_waits(connection: asyncpg.Connection) -> None:
    async with asyncio.timeout(10):
        waiting = 0
        while not waiting:
            waiting = await connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted")

"""What every store promises about forgetting what is old."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.errors import RunNotFound, ThreadNotFound
from domain.ids import Position, ThreadId
from domain.ports.journal import Append, Checkpoint
from domain.ports.repositories import NewRun
from domain.run.run import Run, RunStatus
from domain.thread import Thread, ThreadType
from infrastructure.ids import new_id
from infrastructure.store.store import Store
from tests.integration.store.builders import ANN, LONG, NOON, a_result, a_run, a_thread, usage_row

LATER = NOON + timedelta(days=1)


async def ended(store: Store, run: Run, *, opens_thread: bool = True) -> Run:
    """A run of one row, over at `NOON`."""
    await store.runs.start(NewRun(run, opens_thread))
    (claim,) = [claim for claim in await store.queue.claim(ANN, 10, LONG) if claim.run.id == run.id]
    over = replace(claim.run, status=RunStatus.COMPLETED, ended_at=NOON)
    await store.journal.append(Append(claim.lease, claim.position, [a_result()], over, usage=[usage_row(run)], release_at=NOON.timestamp()))
    return over


async def test_a_finished_run_goes_with_everything_but_what_it_cost(store: Store) -> None:
    run = await ended(store, a_run(created_at=NOON))

    assert await store.retention.forget_runs(LATER, 10) == 1
    with pytest.raises(RunNotFound):
        await store.runs.get(run.tenant, run.id)
    with pytest.raises(ThreadNotFound):
        await store.threads.get(run.tenant, run.thread)
    assert not await store.journal.read(run.tenant, run.thread, Position(0))
    assert await store.journal.end(run.tenant, run.thread) == 0
    assert len(await store.usage.of_run(run.tenant, run.id)) == 1


async def test_what_is_younger_or_not_over_stays(store: Store) -> None:
    young = await ended(store, a_run(created_at=NOON))
    going = a_run(created_at=NOON)
    await store.runs.start(NewRun(going))

    assert await store.retention.forget_runs(NOON, 10) == 0
    assert (await store.runs.get(young.tenant, young.id)).status is RunStatus.COMPLETED
    assert (await store.runs.get(going.tenant, going.id)).status is RunStatus.QUEUED


async def test_a_thread_that_was_opened_for_itself_or_holds_more_runs_stays(store: Store) -> None:
    run = a_run(created_at=NOON)
    thread = replace(a_thread(run.tenant, NOON - timedelta(days=1)), id=run.thread)
    await store.threads.add(thread)
    alone = await ended(store, run, opens_thread=False)
    first = await ended(store, a_run(created_at=NOON))
    await store.runs.start(NewRun(a_run(first.tenant, thread=first.thread), opens_thread=False))

    assert await store.retention.forget_runs(LATER, 10) == 0
    assert (await store.runs.get(alone.tenant, alone.id), await store.runs.get(first.tenant, first.id)) == (alone, first)


async def test_it_goes_in_batches_the_oldest_first(store: Store) -> None:
    runs = [await ended(store, a_run(created_at=NOON)) for _ in range(5)]

    assert [await store.retention.forget_runs(LATER, 2) for _ in range(4)] == [2, 2, 1, 0]
    for run in runs:
        with pytest.raises(RunNotFound):
            await store.runs.get(run.tenant, run.id)


async def test_a_thread_that_goes_on_loses_the_rows_that_its_old_checkpoint_stands_for(store: Store, backend: str) -> None:
    run = a_run()
    await store.runs.start(NewRun(run))
    (claim,) = await store.queue.claim(ANN, 1, LONG)
    position = claim.position
    for number in range(1, 7):
        checkpoint = Checkpoint(Position(number), b"{}") if number in (2, 4) else None
        await store.journal.append(Append(claim.lease, position, [a_result(f"/a#{number}")], checkpoint=checkpoint))
        position = Position(position + 1)
    soon = run.created_at + timedelta(hours=1)

    forgotten = [await store.retention.forget_rows(soon, 2) for _ in range(3)]

    rows = [row.position for row in await store.journal.read(run.tenant, run.thread, Position(0))]
    newest = await store.journal.newest_checkpoint(run.tenant, run.thread)
    assert newest is not None
    assert newest.position == 4
    assert (forgotten, rows) == (([0, 0, 0], [1, 2, 3, 4, 5, 6]) if backend == "memory" else ([2, 1, 0], [4, 5, 6]))


async def test_a_thread_that_others_branched_off_stays(store: Store) -> None:
    run = await ended(store, a_run(created_at=NOON))
    branch = await a_branch(store, run.thread, 1, run)

    assert await store.retention.forget_runs(LATER, 10) == 0
    assert len(await store.journal.read(branch.tenant, branch.id, Position(0))) == 1


@pytest.mark.parametrize("through_another", [False, True], ids=["of the thread", "of its branch, before that one left"])
async def test_what_a_branch_stands_on_is_not_forgotten(store: Store, backend: str, *, through_another: bool) -> None:
    run = a_run()
    await store.runs.start(NewRun(run))
    (claim,) = await store.queue.claim(ANN, 1, LONG)
    for number in range(1, 9):
        checkpoint = Checkpoint(Position(number), b"{}") if number % 2 == 0 else None
        await store.journal.append(Append(claim.lease, Position(number - 1), [a_result(f"/a#{number}")], checkpoint=checkpoint))
    parent = (await a_branch(store, run.thread, 7, run)).id if through_another else run.thread
    branch = await a_branch(store, parent, 5, run)

    forgotten = await store.retention.forget_rows(run.created_at + timedelta(hours=1), 100)

    rows = [row.position for row in await store.journal.read(branch.tenant, branch.id, Position(0))]
    stands = await store.journal.newest_checkpoint(branch.tenant, branch.id)
    assert stands is not None
    assert (forgotten, stands.position, rows) == ((0, 4, [1, 2, 3, 4, 5]) if backend == "memory" else (3, 4, [4, 5]))


async def a_branch(store: Store, parent: ThreadId, at: int, run: Run) -> Thread:
    thread = Thread(ThreadId(new_id()), run.tenant, NOON, ThreadType.BRANCH, parent=parent, parent_position=Position(at))
    await store.threads.add(thread)
    return thread

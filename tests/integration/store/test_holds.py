"""What every store promises about writing to a thread from outside."""

from dataclasses import replace

import pytest

from domain.change import Change, Operation
from domain.errors import Fenced, ThreadBusy, ThreadNotFound
from domain.ids import Position, ThreadId
from domain.ports.holds import NO_RUN, Hold
from domain.run.events import StateEdited
from domain.run.run import Run, RunStatus
from infrastructure.ids import new_id
from infrastructure.store.store import Store
from tests.integration.store.builders import (
    BOB,
    a_claim,
    a_result,
    a_tenant,
    a_thread,
    append,
    claimed,
    finish,
    follows,
    in_an_hour,
    park,
    started,
    taken_over,
)

EDIT = StateEdited((Change(Operation.CREATE, "/x", None, 1),), "ann")


async def hold(store: Store, run: Run) -> Hold:
    return await store.holds.hold(run.tenant, run.thread)


async def test_a_thread_without_runs_is_held_from_its_beginning(store: Store) -> None:
    thread = a_thread(a_tenant())
    await store.threads.add(thread)

    held = await store.holds.hold(thread.tenant, thread.id)

    assert (held.position, held.lease.run, held.lease.thread) == (0, NO_RUN, thread.id)
    (row,) = await append(store, held.lease, 0, EDIT)
    assert (row.position, row.run, store.journal.decode(row)) == (1, "", EDIT)
    assert (await store.holds.hold(thread.tenant, thread.id)).position == 1


async def test_a_thread_that_is_not_there_or_anothers_cannot_be_held(store: Store) -> None:
    run = await started(store)

    for tenant, thread in ((run.tenant, ThreadId(new_id())), (a_tenant(), run.thread)):
        with pytest.raises(ThreadNotFound):
            await store.holds.hold(tenant, thread)


async def test_while_a_worker_has_the_thread_nobody_else_can(store: Store) -> None:
    claim = await a_claim(store)

    with pytest.raises(ThreadBusy, match=claim.run.id):
        await hold(store, claim.run)
    await append(store, claim.lease, claim.position, a_result())


async def test_a_run_whose_worker_was_lost_keeps_the_thread_until_another_parks_it(store: Store) -> None:
    claim = await a_claim(store, seconds=0.0)

    with pytest.raises(ThreadBusy):
        await hold(store, claim.run)
    again = await taken_over(store)
    await park(store, again, in_an_hour())
    assert (await hold(store, claim.run)).lease.run == claim.run.id


async def test_a_run_on_its_way_from_one_worker_to_the_next_is_not_disturbed(store: Store) -> None:
    claim = await a_claim(store)
    await store.queue.release(claim.lease)

    with pytest.raises(ThreadBusy):
        await hold(store, claim.run)


async def test_the_row_of_a_held_parked_run_is_its_own(store: Store) -> None:
    claim = await a_claim(store)
    await append(store, claim.lease, 0, a_result())
    parked = replace(claim, position=Position(1))
    await park(store, parked, in_an_hour())

    held = await hold(store, claim.run)

    assert (held.position, held.lease.run) == (1, claim.run.id)
    (row,) = await append(store, held.lease, 1, EDIT)
    assert row.run == claim.run.id
    assert (await store.runs.get(claim.run.tenant, claim.run.id)).status is RunStatus.PARKED


async def test_a_claim_takes_the_thread_from_whoever_holds_it_and_sees_what_was_written(store: Store) -> None:
    run = await started(store)
    early = await hold(store, run)
    await append(store, early.lease, early.position, EDIT)
    late = await hold(store, run)
    claim = await claimed(store)

    assert claim.position == 1
    for outdated in (early, late):
        with pytest.raises(Fenced):
            await append(store, outdated.lease, 1, EDIT)
    await append(store, claim.lease, 1, a_result())


async def test_of_two_that_hold_a_thread_the_later_one_writes(store: Store, beside: Store) -> None:
    run = await started(store)
    first = await hold(store, run)
    second = await hold(beside, run)

    with pytest.raises(Fenced):
        await append(store, first.lease, 0, EDIT)
    assert len(await append(beside, second.lease, 0, EDIT)) == 1


async def test_runs_that_wait_behind_keep_nobody_out_and_go_on_afterwards(store: Store) -> None:
    claim = await a_claim(store)
    behind = await follows(store, claim.run)
    await finish(store, claim)

    held = await hold(store, claim.run)

    assert (held.lease.run, held.position) == (NO_RUN, 1)
    assert (await claimed(store)).run.id == behind.id


async def test_a_holder_does_not_keep_a_worker_from_the_run(store: Store) -> None:
    claim = await a_claim(store)
    await park(store, claim, 0.0)
    await hold(store, claim.run)

    again = await claimed(store, BOB)

    assert (again.lease.run, again.lease.epoch) == (claim.run.id, claim.lease.epoch + 2)

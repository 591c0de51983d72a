"""What every queue promises."""

import asyncio
from dataclasses import replace
from math import inf

import pytest

from domain.errors import Fenced
from domain.ids import WorkerId
from domain.ports.queue import QueueDepth
from domain.run.run import RunStatus, Waiting
from infrastructure.clock import SystemClock
from infrastructure.store.store import Store
from tests.integration.store.builders import (
    ANN,
    BOB,
    LONG,
    a_claim,
    a_result,
    append,
    claimed,
    finish,
    follows,
    in_an_hour,
    many_claims,
    park,
    started,
    taken_over,
)


def now() -> float:
    return SystemClock().now().timestamp()


async def test_a_started_run_can_be_claimed_and_is_running_from_then_on(store: Store) -> None:
    run = await started(store)

    claim = await claimed(store, ANN)

    assert (claim.lease.tenant, claim.lease.thread, claim.lease.run, claim.lease.worker) == (run.tenant, run.thread, run.id, ANN)
    assert (claim.lease.epoch, claim.position, claim.taken_over) == (1, 0, False)
    assert claim.run.status is RunStatus.RUNNING
    assert claim.run.started_at is not None
    assert claim.run == replace(run, status=RunStatus.RUNNING, started_at=claim.run.started_at)
    assert await store.runs.get(run.tenant, run.id) == claim.run


async def test_a_claimed_run_is_nobody_elses(store: Store, beside: Store) -> None:
    await a_claim(store)

    assert not await store.queue.claim(BOB, 10, LONG)
    assert not await beside.queue.claim(BOB, 10, LONG)


async def test_a_claim_takes_no_more_than_its_limit_and_the_oldest_first(store: Store) -> None:
    runs = [await started(store) for _ in range(5)]

    first = await store.queue.claim(ANN, 2, LONG)
    rest = await store.queue.claim(ANN, 10, LONG)

    assert [claim.run.id for claim in first] == [run.id for run in runs[:2]]
    assert [claim.run.id for claim in rest] == [run.id for run in runs[2:]]


async def test_the_second_run_of_a_thread_waits_until_the_first_is_over(store: Store) -> None:
    first_run = await started(store)
    second_run = await follows(store, first_run)
    first = await claimed(store)
    assert not await store.queue.claim(BOB, 10, LONG), "while the first runs"

    await park(store, first, in_an_hour())
    assert not await store.queue.claim(BOB, 10, LONG), "while the first is parked"

    await store.inbox.put(first_run.tenant, first_run.thread, first_run.id, "cancel", {}, "k")
    woken = await claimed(store, BOB)
    assert woken.run.id == first_run.id
    await finish(store, woken)

    second = await claimed(store)
    assert (second.run.id, second.lease.epoch, second.position) == (second_run.id, 3, 1)


async def test_two_workers_on_two_stores_never_get_the_same_run(store: Store, beside: Store) -> None:
    runs = {(await started(store)).id for _ in range(30)}

    async def claim_all(name: int, where: Store) -> list[str]:
        mine: list[str] = []
        async with asyncio.timeout(30):
            while (await where.queue.depth()).waiting:
                mine += [claim.run.id for claim in await where.queue.claim(WorkerId(f"worker-{name}"), 3, LONG)]
        return mine

    taken = await asyncio.gather(*(claim_all(n, where) for n, where in enumerate([store, beside] * 3)))

    assert sorted(run for mine in taken for run in mine) == sorted(runs)


async def test_a_lease_that_ran_out_is_taken_over_with_a_higher_epoch(store: Store, beside: Store) -> None:
    old = await a_claim(store, seconds=0)

    new = await taken_over(beside, BOB)

    assert (new.run.id, new.lease.worker, new.lease.epoch, new.taken_over) == (old.run.id, BOB, old.lease.epoch + 1, True)
    assert new.run.started_at == old.run.started_at, "it started once"
    with pytest.raises(Fenced):
        await append(store, old.lease, 0, a_result())


async def test_a_run_that_lapsed_and_a_fresh_one_are_both_claimed_where_only_one_at_a_time_is_asked_for(store: Store) -> None:
    lapsed = await a_claim(store, seconds=0)
    fresh = await started(store)

    first = await taken_over(store)
    second = await taken_over(store)

    assert {first.run.id, second.run.id} == {lapsed.run.id, fresh.id}
    assert {claim.run.id for claim in (first, second) if claim.taken_over} == {lapsed.run.id}


async def test_a_renewed_lease_does_not_run_out(store: Store) -> None:
    claims = await many_claims(store, 3, seconds=0)

    lost = await store.queue.renew(ANN, [claim.lease for claim in claims], LONG)

    assert not lost
    assert not await store.queue.claim(BOB, 10, LONG)


async def test_renewing_names_the_leases_that_are_no_longer_ours(store: Store) -> None:
    gone = await a_claim(store, seconds=0)
    await taken_over(store, BOB)
    ended = await a_claim(store)
    await finish(store, ended)
    parked = await a_claim(store)
    await park(store, parked, in_an_hour())
    kept = await a_claim(store)

    lost = await store.queue.renew(ANN, [claim.lease for claim in (gone, ended, parked, kept)], LONG)

    assert {lease.run for lease in lost} == {gone.run.id, ended.run.id, parked.run.id}


async def test_a_worker_cannot_renew_with_an_old_epoch_of_its_own(store: Store) -> None:
    old = await a_claim(store, seconds=0)
    new = await taken_over(store, ANN)

    assert list(await store.queue.renew(ANN, [old.lease, new.lease], LONG)) == [old.lease]


async def test_a_worker_cannot_renew_what_another_holds(store: Store) -> None:
    claim = await a_claim(store)

    assert list(await store.queue.renew(BOB, [claim.lease], LONG)) == [claim.lease]


async def test_renewing_nothing_is_nothing(store: Store) -> None:
    assert not await store.queue.renew(ANN, [], LONG)


async def test_a_released_run_can_be_claimed_at_once(store: Store) -> None:
    claim = await a_claim(store)

    await store.queue.release(claim.lease)

    again = await claimed(store, BOB)
    assert (again.run.id, again.lease.epoch, again.taken_over) == (claim.run.id, claim.lease.epoch + 1, False)
    assert again.run.started_at == claim.run.started_at


async def test_what_a_lost_claim_took_is_given_back_and_counts_as_no_delivery(store: Store) -> None:
    kept = await a_claim(store)
    lost = await a_claim(store)

    assert await store.queue.give_back(ANN, [kept.lease]) == 1

    again = await claimed(store, BOB)
    assert (again.run.id, again.taken_over, again.deliveries) == (lost.run.id, False, 1)
    assert not await store.queue.renew(ANN, [kept.lease], LONG)


async def test_nobody_gives_back_what_another_holds(store: Store) -> None:
    await a_claim(store)

    assert await store.queue.give_back(BOB, []) == 0
    assert not await store.queue.claim(BOB, 10, LONG)


async def test_an_old_lease_releases_nothing(store: Store) -> None:
    old = await a_claim(store, seconds=0)
    await taken_over(store)

    await store.queue.release(old.lease)

    assert not await store.queue.claim(ANN, 10, LONG)


async def test_a_parked_run_waits_for_its_time(store: Store) -> None:
    claim = await a_claim(store)
    until = in_an_hour()

    await park(store, claim, until)

    assert not await store.queue.claim(BOB, 10, LONG)
    assert await store.queue.next_due() == pytest.approx(until, abs=0.01)
    assert (await store.runs.get(claim.run.tenant, claim.run.id)).status is RunStatus.PARKED


async def test_parked_runs_that_need_an_operator_are_counted(store: Store) -> None:
    waiting, sleeping = await a_claim(store), await a_claim(store)

    for claim, until, kind in ((waiting, inf, "needs_attention"), (sleeping, in_an_hour(), "timer")):
        needing = replace(claim, run=replace(claim.run, waiting_for=(Waiting("/pay#1", kind),)))
        await park(store, needing, until)

    depth = await store.queue.depth()
    assert (depth.parked, depth.attention) == (2, 1)


async def test_a_parked_run_whose_time_has_come_goes_on(store: Store) -> None:
    claim = await a_claim(store)

    await park(store, claim, now() - 1)

    again = await claimed(store, BOB)
    assert (again.run.status, again.run.started_at) == (RunStatus.RUNNING, claim.run.started_at)
    assert (again.lease.epoch, again.taken_over) == (2, False)


async def test_a_finished_run_is_out_of_the_queue(store: Store) -> None:
    claim = await a_claim(store, seconds=0)

    done = await finish(store, claim)

    assert not await store.queue.claim(BOB, 10, LONG)
    assert await store.queue.next_due() is None
    assert await store.queue.depth() == QueueDepth(0, 0, 0, 0.0)
    assert await store.runs.get(done.tenant, done.id) == done


async def test_the_next_due_time_is_the_earliest_of_what_waits_and_what_lapses(store: Store) -> None:
    assert await store.queue.next_due() is None

    await a_claim(store, seconds=40)
    lapse = await store.queue.next_due()
    await park(store, await a_claim(store), in_an_hour())
    still = await store.queue.next_due()
    await started(store)
    fresh = await store.queue.next_due()

    assert lapse == pytest.approx(now() + 40, abs=5)
    assert still == lapse
    assert fresh is not None
    assert fresh <= now() + 0.01


async def test_a_run_that_waits_behind_another_is_not_due(store: Store) -> None:
    """Else a worker would ask again and again for a run that it cannot have."""
    claim = await a_claim(store, seconds=40)
    await follows(store, claim.run)

    due = await store.queue.next_due()

    assert due == pytest.approx(now() + 40, abs=5)


async def test_the_depth_counts_what_waits_what_is_claimed_and_what_is_parked(store: Store) -> None:
    await park(store, await a_claim(store), in_an_hour())
    await many_claims(store, 2)
    for _ in range(3):
        await started(store)

    depth = await store.queue.depth()

    assert (depth.waiting, depth.claimed, depth.parked) == (3, 2, 1)
    assert 0 <= depth.lag_seconds < 30


async def test_a_start_wakes_who_waits_for_work(store: Store) -> None:
    await store.queue.woken(0)
    listening = asyncio.create_task(store.queue.woken(60))
    await asyncio.sleep(0)

    await started(store)

    async with asyncio.timeout(10):
        await listening
    assert await store.queue.claim(ANN, 1, LONG)


async def test_who_waits_for_work_is_let_go_after_its_timeout(store: Store) -> None:
    await store.queue.woken(0)
    before = SystemClock().monotonic()

    await store.queue.woken(0.05)

    assert SystemClock().monotonic() - before < 10

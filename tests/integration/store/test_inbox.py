"""What every inbox promises."""

import asyncio
from contextlib import suppress

import pytest

from domain.errors import RunNotFound, Stale
from domain.ids import ThreadId
from domain.run.run import Run, RunStatus
from infrastructure.store.store import Store
from tests.integration.store.builders import (
    ANN,
    BOB,
    LONG,
    a_claim,
    a_result,
    a_tenant,
    append,
    claimed,
    finish,
    follows,
    in_an_hour,
    park,
    started,
    taken_over,
)


async def wish(store: Store, run: Run, key: str = "k") -> bool:
    return await store.inbox.put(run.tenant, run.thread, run.id, "cancel", {"by": "é", "n": [1, None]}, key)


async def test_a_wish_waits_until_an_append_takes_it(store: Store) -> None:
    claim = await a_claim(store)
    assert await wish(store, claim.run)

    (waiting,) = await store.inbox.waiting([claim.run.thread])
    assert (waiting.thread, waiting.run, waiting.kind) == (claim.run.thread, claim.run.id, "cancel")
    assert waiting.body == {"by": "é", "n": [1, None]}

    await append(store, claim.lease, 0, a_result(), taken=[waiting.number])
    assert not await store.inbox.waiting([claim.run.thread])


async def test_wishes_wait_in_the_order_they_came_over_all_threads_asked_for(store: Store) -> None:
    first, second, other = [await started(store) for _ in range(3)]
    for run, key in ((first, "1"), (second, "2"), (other, "3"), (first, "4")):
        await wish(store, run, key)

    waiting = await store.inbox.waiting([second.thread, first.thread])

    assert [found.run for found in waiting] == [first.id, second.id, first.id]
    assert [found.number for found in waiting] == sorted(found.number for found in waiting)
    assert not await store.inbox.waiting([])
    assert not await store.inbox.waiting([ThreadId("unknown")])


async def test_one_key_is_one_wish_of_a_run(store: Store) -> None:
    first = await started(store)
    second = await follows(store, first)

    assert await wish(store, first)
    assert not await wish(store, first)
    assert await wish(store, second), "the same key for another run is another wish"
    assert [found.run for found in await store.inbox.waiting([first.thread])] == [first.id, second.id]


async def test_of_many_wishes_with_one_key_at_once_exactly_one_counts(store: Store, beside: Store) -> None:
    run = await started(store)

    counted = await asyncio.gather(*(wish(where, run) for where in [store, beside] * 5))

    assert sorted(counted) == [False] * 9 + [True]
    assert len(await store.inbox.waiting([run.thread])) == 1


async def test_a_refused_append_takes_no_wish(store: Store) -> None:
    claim = await a_claim(store)
    await wish(store, claim.run)
    (waiting,) = await store.inbox.waiting([claim.run.thread])

    with pytest.raises(Stale):
        await append(store, claim.lease, 4, a_result(), taken=[waiting.number])

    assert list(await store.inbox.waiting([claim.run.thread])) == [waiting]


async def test_a_wish_makes_a_parked_run_claimable_at_once(store: Store, beside: Store) -> None:
    claim = await a_claim(store)
    await park(store, claim, in_an_hour())

    await wish(beside, claim.run)

    again = await claimed(store, BOB)
    assert (again.run.id, again.run.status) == (claim.run.id, RunStatus.RUNNING)


async def test_a_wish_that_came_while_its_run_was_being_parked_wakes_it(store: Store, beside: Store) -> None:
    """The worker looked into the inbox, decided to park, and the wish came before that row: nobody would look again for an hour."""
    claim = await a_claim(store)
    await wish(beside, claim.run)

    await park(store, claim, in_an_hour())

    assert (await claimed(store, BOB)).run.id == claim.run.id


async def test_a_run_that_takes_its_wish_and_parks_stays_parked(store: Store) -> None:
    claim = await a_claim(store)
    await wish(store, claim.run)
    (waiting,) = await store.inbox.waiting([claim.run.thread])

    await park(store, claim, in_an_hour(), taken=[waiting.number])

    assert not await store.queue.claim(BOB, 10, LONG)


async def test_a_run_woken_by_a_wish_and_parked_again_after_taking_it_stays_parked(store: Store) -> None:
    claim = await a_claim(store)
    await park(store, claim, in_an_hour())
    await wish(store, claim.run)
    again = await claimed(store)
    (waiting,) = await store.inbox.waiting([claim.run.thread])

    await park(store, again, in_an_hour(), taken=[waiting.number])

    assert not await store.queue.claim(BOB, 10, LONG)


async def test_a_wish_takes_a_claimed_run_from_nobody(store: Store) -> None:
    claim = await a_claim(store)

    await wish(store, claim.run)

    assert not await store.queue.claim(BOB, 10, LONG)
    assert not await store.queue.renew(ANN, [claim.lease], LONG)


async def test_a_wish_for_a_run_behind_another_does_not_let_it_pass(store: Store) -> None:
    first = await a_claim(store)
    second = await follows(store, first.run)

    await wish(store, second)

    assert not await store.queue.claim(BOB, 10, LONG)


async def test_a_wish_survives_a_change_of_hands(store: Store) -> None:
    claim = await a_claim(store, seconds=0)
    await wish(store, claim.run)

    new = await taken_over(store)

    (waiting,) = await store.inbox.waiting([new.run.thread])
    await append(store, new.lease, 0, a_result(), taken=[waiting.number])
    assert not await store.inbox.waiting([new.run.thread])


async def test_the_wishes_of_a_run_go_with_it_when_it_ends(store: Store) -> None:
    claim = await a_claim(store)
    second = await follows(store, claim.run)
    await wish(store, claim.run)
    await wish(store, second)

    await finish(store, claim)

    assert [found.run for found in await store.inbox.waiting([claim.run.thread])] == [second.id]


async def test_another_tenant_can_wish_nothing_of_a_run(store: Store) -> None:
    claim = await a_claim(store)
    await park(store, claim, in_an_hour())

    with suppress(RunNotFound):
        await store.inbox.put(a_tenant(), claim.run.thread, claim.run.id, "cancel", {}, "k")

    assert not await store.inbox.waiting([claim.run.thread])
    assert not await store.queue.claim(BOB, 10, LONG)


async def test_a_wish_knocks(store: Store) -> None:
    run = await started(store)
    await store.inbox.knocked(0)
    listening = asyncio.create_task(store.inbox.knocked(60))
    await asyncio.sleep(0)

    await wish(store, run)

    async with asyncio.timeout(10):
        await listening
    assert await store.inbox.waiting([run.thread])


async def test_wishes_of_one_kind_are_counted_by_run(store: Store) -> None:
    run, other = await started(store), await started(store)
    for key in ("1", "2"):
        await store.inbox.put(run.tenant, run.thread, run.id, "signal", {}, key)
    await store.inbox.put(other.tenant, other.thread, other.id, "signal", {}, "1")
    await wish(store, run, "3")

    assert [await store.inbox.count(run.id, kind) for kind in ("signal", "cancel", "pause")] == [2, 1, 0]

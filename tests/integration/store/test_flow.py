"""What every queue promises of priorities, limits, keys and turns."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from domain.graph.flow import Priority
from domain.ids import RunId, TenantId, WorkerId
from domain.ports.inbox import CANCEL
from domain.ports.queue import Claim
from domain.ports.repositories import IdempotencyMark, NewRun, RunFilter, Started
from domain.run.run import Run, RunStatus
from domain.run.terms import DELIVERIES, Gate, Terms
from infrastructure.clock import SystemClock
from infrastructure.ids import new_id
from infrastructure.store.store import Store
from tests.integration.store.builders import (
    ANN,
    BOB,
    LONG,
    NOON,
    a_result,
    a_run,
    a_tenant,
    append,
    claimed,
    finish,
    in_an_hour,
    park,
    taken_over,
)

CLAIMERS = 8
HOUR = 3600.0


def now() -> float:
    return SystemClock().now().timestamp()


def slot(most: int = 1, key: str = "k") -> Terms:
    return Terms(slot=Gate(key, most))


def rate(most: int, seconds: float = HOUR, key: str = "r") -> Terms:
    return Terms(rate=Gate(key, most, seconds))


async def start(store: Store, terms: Terms, tenant: TenantId | None = None, **told: Any) -> Run:
    return (await begun(store, terms, tenant, **told)).run


async def begun(store: Store, terms: Terms, tenant: TenantId | None = None, mark: IdempotencyMark | None = None, **told: Any) -> Started:
    return await store.runs.start(NewRun(a_run(tenant, **told), terms=terms, mark=mark))


async def until_claimed(store: Store, seconds: float = LONG) -> Claim:
    """The one claim that is to be had as soon as its time has come."""
    return await taken_over(store, BOB, seconds)


async def claimed_by_many(*stores: Store, rounds: int = 6) -> Sequence[Claim]:
    """Everything that eight claimers on these stores get, who all ask at once and again and again."""

    async def claim(number: int) -> list[Claim]:
        where = stores[number % len(stores)]
        found: list[Claim] = []
        for _ in range(rounds):
            found += await where.queue.claim(WorkerId(f"worker-{number}"), 5, LONG)
        return found

    return [claim for mine in await asyncio.gather(*map(claim, range(CLAIMERS))) for claim in mine]


class TestPriority:
    async def test_a_higher_class_goes_first(self, store: Store) -> None:
        tenant, starts = a_tenant(), {}
        for name in (Priority.LOW, Priority.NORMAL, Priority.CRITICAL, Priority.HIGH):
            starts[(await start(store, Terms(head_start=name.rank * HOUR), tenant)).id] = name

        claims = await store.queue.claim(ANN, 10, LONG)

        assert [starts[claim.run.id] for claim in claims] == [Priority.CRITICAL, Priority.HIGH, Priority.NORMAL, Priority.LOW]

    async def test_who_has_waited_for_as_long_as_a_class_is_worth_is_not_passed_any_more(self, store: Store) -> None:
        tenant = a_tenant()
        low = await start(store, Terms(), tenant)
        came = now()
        while now() < came + 0.06:
            await store.queue.woken(0.01)
        high = await start(store, Terms(head_start=0.05), tenant)

        assert [claim.run.id for claim in await store.queue.claim(ANN, 10, LONG)] == [low.id, high.id]

    async def test_a_run_given_back_stands_where_it_stood(self, store: Store) -> None:
        tenant = a_tenant()
        first, second = await start(store, Terms(), tenant), await start(store, Terms(), tenant)
        (claim,) = await store.queue.claim(ANN, 1, LONG)

        await store.queue.release(claim.lease)

        assert [claim.run.id for claim in await store.queue.claim(BOB, 10, LONG)] == [first.id, second.id]


class TestDelay:
    async def test_a_delayed_run_waits_for_its_time(self, store: Store) -> None:
        before = now()
        delayed = await start(store, Terms(delay_seconds=0.3, head_start=HOUR))

        assert not await store.queue.claim(ANN, 10, LONG)
        assert await store.queue.next_due() == pytest.approx(before + 0.3, abs=0.25)
        assert (await until_claimed(store)).run.id == delayed.id
        assert now() >= before + 0.3

    async def test_a_wish_does_not_begin_it_early(self, store: Store) -> None:
        run = await start(store, Terms(delay_seconds=HOUR))

        await store.inbox.put(run.tenant, run.thread, run.id, "signal", {}, "1")

        assert not await store.queue.claim(ANN, 10, LONG)

    async def test_a_cancel_reaches_it_at_once(self, store: Store) -> None:
        run = await start(store, replace(slot(), delay_seconds=HOUR))
        await start(store, slot(), run.tenant)
        await claimed(store)

        await store.inbox.put(run.tenant, run.thread, run.id, CANCEL, {}, CANCEL)

        assert (await claimed(store, BOB)).run.id == run.id, "although its slot is full: it starts nothing"


class TestConcurrency:
    async def test_of_a_slot_no_more_are_held_than_it_takes_however_many_claim_at_once(self, store: Store, beside: Store) -> None:
        tenant = a_tenant()
        for number in range(60):
            await start(store, slot(2 + number % 3, f"key-{number % 3}"), tenant)

        claims = await claimed_by_many(store, beside)

        assert len({claim.run.id for claim in claims}) == len(claims) == 2 + 3 + 4

    async def test_they_all_get_their_turn(self, store: Store, beside: Store) -> None:
        tenant = a_tenant()
        runs = {(await start(store, slot(2, f"key-{number % 3}"), tenant)).id for number in range(24)}
        done: set[str] = set()
        async with asyncio.timeout(60):
            while len(done) < len(runs):
                claims = await claimed_by_many(store, beside, rounds=1)
                assert len(claims) <= 6
                for claim in claims:
                    await finish(store, claim)
                    done.add(claim.run.id)
        assert done == runs

    async def test_a_parked_run_and_one_given_back_leave_their_slot_and_a_lapsed_one_keeps_it(self, store: Store) -> None:
        tenant = a_tenant()
        first, second = await start(store, slot(), tenant), await start(store, slot(), tenant)
        claim = await claimed(store, seconds=0)
        again = await taken_over(store, BOB)
        assert (again.run.id, again.taken_over) == (first.id, True)
        assert not await store.queue.claim(BOB, 10, LONG)

        await store.queue.release(again.lease)
        back = await claimed(store)
        assert back.run.id == claim.run.id
        await park(store, back, in_an_hour())

        assert (await claimed(store)).run.id == second.id

    async def test_a_run_that_was_parked_waits_for_its_slot_again(self, store: Store) -> None:
        tenant = a_tenant()
        parked = await start(store, slot(), tenant)
        await park(store, await claimed(store), in_an_hour())
        await start(store, slot(), tenant)
        holder = await claimed(store)

        await store.inbox.put(tenant, parked.thread, parked.id, "signal", {}, "1")

        assert not await store.queue.claim(BOB, 10, LONG)
        await finish(store, holder)
        assert (await claimed(store, BOB)).run.id == parked.id

    async def test_what_a_slot_keeps_out_keeps_nobody_else_waiting(self, store: Store) -> None:
        tenant = a_tenant()
        for _ in range(30):
            await start(store, slot(), tenant)
        free = await start(store, Terms(), tenant)
        await store.queue.claim(ANN, 1, LONG)

        assert (await claimed(store, BOB)).run.id == free.id

    async def test_a_full_slot_has_no_time_at_which_it_may_be_free(self, store: Store) -> None:
        tenant = a_tenant()
        await start(store, slot(), tenant)
        await start(store, slot(), tenant)
        await store.queue.claim(ANN, 1, LONG)

        due = await store.queue.next_due()

        assert due == pytest.approx(now() + LONG, abs=5), "only the lease: else a worker would ask again and again"

    async def test_a_key_is_its_tenants_own(self, store: Store) -> None:
        await start(store, slot())
        await start(store, slot())

        assert len(await store.queue.claim(ANN, 10, LONG)) == 2

    async def test_the_newest_start_says_how_many(self, store: Store) -> None:
        tenant = a_tenant()
        for most in (1, 1, 3):
            await start(store, slot(most), tenant)

        assert len(await claimed_by_many(store)) == 3


class TestRate:
    async def test_in_a_window_no_more_begin_than_its_number_however_many_claim_at_once(self, store: Store, beside: Store) -> None:
        tenant = a_tenant()
        for _ in range(30):
            await start(store, rate(4), tenant)

        claims = await claimed_by_many(store, beside)

        assert len({claim.run.id for claim in claims}) == len(claims) == 4
        ends = await store.queue.next_due()
        assert ends == pytest.approx(now() + LONG, abs=5)

    async def test_the_next_window_lets_in_the_next(self, store: Store) -> None:
        tenant, before = a_tenant(), now()
        for _ in range(3):
            await start(store, rate(1, seconds=0.2), tenant)

        claims = [await until_claimed(store) for _ in range(3)]

        assert len({claim.run.id for claim in claims}) == 3
        assert now() >= before + 0.4

    async def test_the_end_of_the_window_is_when_to_look_again(self, store: Store) -> None:
        tenant = a_tenant()
        await start(store, rate(1, seconds=20.0), tenant)
        await start(store, rate(1, seconds=20.0), tenant)

        await store.queue.claim(ANN, 10, LONG)

        assert await store.queue.next_due() == pytest.approx(now() + 20, abs=5)

    async def test_a_run_that_has_begun_is_not_counted_again(self, store: Store) -> None:
        await start(store, rate(1))
        claim = await claimed(store)

        await park(store, claim, now() - 1)
        assert (await claimed(store, BOB)).run.id == claim.run.id

    async def test_what_a_rate_keeps_out_keeps_nobody_else_waiting(self, store: Store) -> None:
        tenant = a_tenant()
        for _ in range(20):
            await start(store, rate(1), tenant)
        free = await start(store, Terms(), tenant)
        await store.queue.claim(ANN, 1, LONG)

        assert (await claimed(store, BOB)).run.id == free.id

    async def test_a_slot_and_a_rate_must_both_let_it_in(self, store: Store) -> None:
        tenant = a_tenant()
        for _ in range(5):
            await start(store, Terms(slot=Gate("k", 2), rate=Gate("r", 3, HOUR)), tenant)

        first = await claimed_by_many(store)
        for claim in first:
            await finish(store, claim)

        assert (len(first), len(await claimed_by_many(store))) == (2, 1)


class TestSingleton:
    async def test_a_start_beside_an_unfinished_one_answers_that_one(self, store: Store) -> None:
        tenant = a_tenant()
        first = await begun(store, Terms(singleton="s"), tenant)
        queued = await begun(store, Terms(singleton="s"), tenant, input={"x": 2})
        claim = await claimed(store)
        running = await begun(store, Terms(singleton="s"), tenant)
        await park(store, claim, in_an_hour())
        parked = await begun(store, Terms(singleton="s"), tenant)

        assert (first.fresh, queued.fresh, running.fresh, parked.fresh) == (True, False, False, False)
        assert {one.run.id for one in (queued, running, parked)} == {first.run.id}
        assert queued.run.input == first.run.input
        assert parked.run.status is RunStatus.PARKED

    async def test_once_it_is_over_the_next_begins(self, store: Store) -> None:
        tenant = a_tenant()
        first = await start(store, Terms(singleton="s"), tenant)
        await finish(store, await claimed(store))

        second = await begun(store, Terms(singleton="s"), tenant)

        assert second.fresh
        assert second.run.id != first.id

    async def test_of_many_at_once_one_is_started(self, store: Store, beside: Store) -> None:
        tenant = a_tenant()

        answers = await asyncio.gather(*(begun(where, Terms(singleton="s"), tenant) for where in [store, beside] * 10))

        assert Counter(answer.fresh for answer in answers) == {True: 1, False: 19}
        assert len({answer.run.id for answer in answers}) == 1
        assert len(await store.queue.claim(ANN, 10, LONG)) == 1

    async def test_a_key_is_its_tenants_own(self, store: Store) -> None:
        assert (await begun(store, Terms(singleton="s"))).fresh
        assert (await begun(store, Terms(singleton="s"))).fresh

    async def test_an_idempotency_key_that_was_answered_so_is_answered_so_again(self, store: Store) -> None:
        tenant = a_tenant()
        first = await start(store, Terms(singleton="s"), tenant)
        mark = IdempotencyMark("key", "d" * 64, NOON)
        answered = await begun(store, Terms(singleton="s"), tenant, mark)
        await finish(store, await claimed(store))

        again = await begun(store, Terms(singleton="s"), tenant, mark)

        assert (answered.run.id, again.run.id, again.fresh) == (first.id, first.id, False)


class TestDebounce:
    TERMS = Terms(debounce="d", delay_seconds=HOUR)

    async def test_a_later_start_takes_the_place_of_the_one_that_waits(self, store: Store) -> None:
        tenant = a_tenant()
        first = await start(store, replace(self.TERMS, delay_seconds=0.2), tenant, input={"x": 1})

        second = await begun(store, self.TERMS, tenant, input={"x": 2}, workflow="triage@1.1.0")

        assert (second.fresh, second.run.id, second.run.input, second.run.workflow) == (False, first.id, {"x": 2}, "triage@1.1.0")
        assert await store.runs.get(tenant, first.id) == second.run
        assert await store.queue.next_due() == pytest.approx(now() + HOUR, abs=10), "it waits anew"

    async def test_the_last_one_is_executed(self, store: Store) -> None:
        tenant, terms = a_tenant(), replace(self.TERMS, delay_seconds=0.1)
        for number in range(5):
            await begun(store, terms, tenant, input={"x": number})

        claim = await until_claimed(store)

        assert claim.run.input == {"x": 4}
        assert not await store.queue.claim(ANN, 10, LONG)

    async def test_one_that_has_begun_is_left_alone(self, store: Store) -> None:
        tenant = a_tenant()
        first = await start(store, replace(self.TERMS, delay_seconds=0.0), tenant, input={"x": 1})
        await claimed(store)

        second = await begun(store, self.TERMS, tenant, input={"x": 2})

        assert second.fresh
        assert (await store.runs.get(tenant, first.id)).input == {"x": 1}

    async def test_of_many_at_once_one_run_comes(self, store: Store, beside: Store) -> None:
        tenant = a_tenant()

        answers = await asyncio.gather(*(begun(where, self.TERMS, tenant) for where in [store, beside] * 10))

        assert len({answer.run.id for answer in answers}) == 1
        assert sum(answer.fresh for answer in answers) == 1


class TestTurns:
    async def test_a_tenant_with_one_run_does_not_wait_for_one_with_many(self, store: Store) -> None:
        many, one = TenantId(f"a-{new_id()}"), TenantId(f"b-{new_id()}")
        for _ in range(60):
            await start(store, Terms(head_start=HOUR), many)
        first = await start(store, Terms(), one)

        claims = [claim for _ in range(2) for claim in await store.queue.claim(ANN, 1, LONG)]

        assert first.id in {claim.run.id for claim in claims}

    async def test_a_claim_of_many_takes_as_many_of_each(self, store: Store) -> None:
        tenants = [a_tenant() for _ in range(3)]
        for tenant in tenants:
            for _ in range(20):
                await start(store, Terms(), tenant)

        claims = await store.queue.claim(ANN, 9, LONG)

        assert Counter(claim.run.tenant for claim in claims) == dict.fromkeys(tenants, 3)

    async def test_a_worker_goes_on_where_it_was(self, store: Store) -> None:
        tenants = sorted(a_tenant() for _ in range(3))
        for tenant in tenants * 3:
            await start(store, Terms(), tenant)

        turns = [claim.run.tenant for _ in range(6) for claim in await store.queue.claim(ANN, 1, LONG)]

        assert turns == tenants * 2


class TestDeliveries:
    async def test_claims_without_a_row_between_them_are_counted(self, store: Store) -> None:
        await start(store, Terms())

        counts = [(await taken_over(store, WorkerId(f"w{number}"), 0)).deliveries for number in range(3)]

        assert counts == [1, 2, DELIVERIES]

    async def test_the_last_one_counts_from_when_it_is_begun(self, store: Store) -> None:
        await start(store, Terms())
        *_, last = [await taken_over(store, ANN, 0) for _ in range(DELIVERIES)]
        again = await taken_over(store, BOB, 0)
        is_late = await store.queue.begin_last(last.lease)
        is_in_time = await store.queue.begin_last(again.lease)
        lost = [(await taken_over(store, ANN, 0)).deliveries for _ in range(2)]

        assert (is_late, again.deliveries, is_in_time, lost) == (False, DELIVERIES, True, [DELIVERIES + 1] * 2)

    @pytest.mark.parametrize("how", ["released", "given back", "parked"])
    async def test_a_last_one_that_was_begun_and_given_back_does_not_count(self, store: Store, how: str) -> None:
        await start(store, Terms())
        *_, last = [await taken_over(store, ANN, 0 if number < DELIVERIES - 1 else LONG) for number in range(DELIVERIES)]
        assert await store.queue.begin_last(last.lease)

        if how == "released":
            await store.queue.release(last.lease)
        elif how == "parked":
            await append(store, last.lease, last.position, release_at=now() - 1)
        else:
            assert await store.queue.give_back(ANN, []) == 1

        assert (await claimed(store)).deliveries == DELIVERIES

    async def test_a_row_begins_the_count_anew(self, store: Store) -> None:
        await start(store, Terms())
        await claimed(store, seconds=0)
        second = await taken_over(store, BOB, 0.2)
        await append(store, second.lease, 0, a_result())

        assert [(await taken_over(store, ANN, 0)).deliveries for _ in range(2)] == [1, 2]

    async def test_one_that_was_given_back_does_not_count(self, store: Store) -> None:
        await start(store, Terms())
        await claimed(store, seconds=0)
        second = await taken_over(store, BOB)
        await store.queue.release(second.lease)

        third = await claimed(store)

        assert (second.deliveries, third.deliveries) == (2, 2)

    async def test_a_run_that_parks_again_and_again_is_no_poison(self, store: Store) -> None:
        await start(store, Terms())
        for _ in range(5):
            claim = await claimed(store)
            assert claim.deliveries == 1
            await park(store, claim, now() - 1)


async def test_where_a_run_was_put_in_the_line_stands_in_it(store: Store) -> None:
    due = NOON.replace(year=2030)
    run = await start(store, Terms(), priority=Priority.HIGH, concurrency_key="normal", due_at=due)

    found = await store.runs.get(run.tenant, RunId(run.id))

    assert (found.priority, found.concurrency_key, found.due_at) == (Priority.HIGH, "normal", due)


@pytest.mark.parametrize("backend", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
async def test_gates_that_nobody_needs_any_more_are_forgotten(store: Store, url: str) -> None:
    tenant = a_tenant()
    await start(store, slot(key="waits"), tenant)
    await start(store, slot(key="gone"), tenant)
    for claim in await store.queue.claim(ANN, 10, LONG):
        if claim.run.id != (await store.runs.list(tenant, RunFilter(), 10, None)).items[-1].id:
            await finish(store, claim)
    await changed(url, "UPDATE gates SET seen_at = 0")

    for _ in range(20):
        await start(store, slot(key="new"), tenant)

    assert sorted(await changed(url, "DELETE FROM gates RETURNING key")) == ["new", "waits"]


async def changed(url: str, statement: str) -> list[str]:
    """What a statement returned, beside the store."""
    if not url.startswith("sqlite"):
        connection = await asyncpg.connect(url)
        try:
            return [row[0] for row in await connection.fetch(statement)]
        finally:
            await connection.close()
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as file:
        return [row[0] for row in file.execute(statement).fetchall()]

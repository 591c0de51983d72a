"""What every shelf of runs promises."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from domain.errors import Failure, IdempotencyConflict, RunNotFound, ThreadNotFound, ValidationError, WorkflowNotFound
from domain.graph.definition import Limits
from domain.ids import RunId, TenantId
from domain.ports.repositories import IdempotencyMark, NewRun, RunFilter
from domain.run.run import Durability, Mode, Run, RunStatus, Waiting
from domain.usage import Money, UsageTotal
from infrastructure.store.store import Store
from tests.integration.store.builders import ANN, NOON, a_claim, a_run, a_tenant, a_thread, a_version, append, claimed, follows, started

EVERYTHING = RunFilter()


def a_mark(key: str = "once", digest: str = "d" * 64, at: datetime | None = None) -> IdempotencyMark:
    return IdempotencyMark(key, digest, at or datetime.now(UTC))


async def pages(store: Store, tenant: TenantId, wanted: RunFilter, limit: int) -> list[list[RunId]]:
    found: list[list[RunId]] = []
    cursor: str | None = None
    while True:
        page = await store.runs.list(tenant, wanted, limit, cursor)
        found.append([run.id for run in page.items])
        if (cursor := page.next_cursor) is None:
            return found


async def listed(store: Store, tenant: TenantId, wanted: RunFilter = EVERYTHING) -> Sequence[Run]:
    return (await store.runs.list(tenant, wanted, 100, None)).items


async def test_a_started_run_is_queued_and_can_be_read(store: Store, beside: Store) -> None:
    run = a_run(
        mode=Mode.SYNC,
        durability=Durability.EXIT,
        limits=Limits(steps=7, cost_usd=Decimal("0.50")),
        metadata={"who": {"name": "é"}, "n": [1]},
    )

    begun = await store.runs.start(NewRun(run))

    assert (begun.run, begun.fresh) == (run, True)
    assert await store.runs.get(run.tenant, run.id) == run
    assert await beside.runs.get(run.tenant, run.id) == run


async def test_everything_that_came_of_a_run_can_be_read(store: Store) -> None:
    claim = await a_claim(store)
    run = replace(
        claim.run,
        status=RunStatus.FAILED,
        output={"so": ["far", 1.5]},
        failure=Failure("timeout", "took too long", "ask", 3, True, 2.5),
        waiting_for=(Waiting("/w#1", "timer", 99.5), Waiting("/v#1", "signal", None, ("go", "stop"))),
        parked_at=datetime(2026, 11, 21, 7, 30, tzinfo=UTC),
        paused=True,
        usage=UsageTotal(100, 50, 3, Money(Decimal("0.0000012")), 1, others=(Money(Decimal("0.3"), "EUR"),)),
        steps=5,
        last=claim.run.last,
        ended_at=datetime.now(UTC),
    )

    await append(store, claim.lease, 0, run=run, release_at=0.0)

    assert await store.runs.get(run.tenant, run.id) == run


async def test_fifty_starts_at_once_with_one_key_are_one_run(store: Store, beside: Store) -> None:
    tenant = a_tenant()
    orders = [NewRun(a_run(tenant), mark=a_mark()) for _ in range(50)]

    begun = await asyncio.gather(*((store, beside)[n % 2].runs.start(order) for n, order in enumerate(orders)))

    assert len({start.run.id for start in begun}) == 1
    assert [start.fresh for start in begun].count(True) == 1
    assert [run.id for run in await listed(store, tenant)] == [begun[0].run.id]
    assert len(await store.queue.claim(ANN, 100, 60.0)) == 1
    assert len((await store.threads.list(tenant, 100, None)).items) == 1, "what was not started left no thread behind"


async def test_fifty_starts_at_once_without_a_key_are_fifty_runs(store: Store, beside: Store) -> None:
    tenant = a_tenant()

    begun = await asyncio.gather(*((store, beside)[n % 2].runs.start(NewRun(a_run(tenant))) for n in range(50)))

    assert all(start.fresh for start in begun)
    assert {run.id for run in await listed(store, tenant)} == {start.run.id for start in begun}


async def test_starts_that_come_together_are_claimed_in_the_order_in_which_they_came(store: Store) -> None:
    tenant = a_tenant()
    runs = [a_run(tenant) for _ in range(20)]

    await asyncio.gather(*(store.runs.start(NewRun(run)) for run in runs))

    claims = [claim for claim in await store.queue.claim(ANN, 1000, 60.0) if claim.run.tenant == tenant]
    assert [claim.run.id for claim in claims] == [run.id for run in runs]
    assert {(claim.position, claim.lease.epoch, claim.deliveries, claim.run.status) for claim in claims} == {(0, 1, 1, RunStatus.RUNNING)}


async def test_of_starts_that_come_together_one_that_would_open_a_known_thread_hurts_no_other(store: Store) -> None:
    tenant = a_tenant()
    known = a_run(tenant)
    await store.runs.start(NewRun(known))
    runs = [a_run(tenant), a_run(tenant, thread=known.thread), a_run(a_tenant(), thread=known.thread), a_run(tenant)]

    outcomes = await asyncio.gather(*(store.runs.start(NewRun(run)) for run in runs), return_exceptions=True)

    assert [isinstance(outcome, ThreadNotFound) for outcome in outcomes] == [False, False, True, False]
    assert {run.id for run in await listed(store, tenant)} == {known.id, runs[0].id, runs[1].id, runs[3].id}


async def test_a_known_key_answers_with_its_run_as_it_is_now(store: Store) -> None:
    first = a_run()
    await store.runs.start(NewRun(first, mark=a_mark()))
    claim = await claimed(store)

    again = await store.runs.start(NewRun(a_run(first.tenant), mark=a_mark()))

    assert (again.run, again.fresh) == (claim.run, False)


async def test_a_known_key_with_another_body_is_a_conflict_that_starts_nothing(store: Store) -> None:
    first = a_run()
    await store.runs.start(NewRun(first, mark=a_mark()))

    with pytest.raises(IdempotencyConflict):
        await store.runs.start(NewRun(a_run(first.tenant), mark=a_mark(digest="e" * 64)))

    assert [run.id for run in await listed(store, first.tenant)] == [first.id]


async def test_a_conflict_among_starts_at_once_hurts_no_other(store: Store) -> None:
    tenant = a_tenant()
    await store.runs.start(NewRun(a_run(tenant), mark=a_mark("used")))
    orders = [NewRun(a_run(tenant), mark=a_mark("used" if n == 3 else f"key-{n}", "e" * 64)) for n in range(8)]

    outcomes = await asyncio.gather(*map(store.runs.start, orders), return_exceptions=True)

    assert [n for n, outcome in enumerate(outcomes) if isinstance(outcome, IdempotencyConflict)] == [3]
    assert sum(not isinstance(outcome, BaseException) for outcome in outcomes) == 7
    assert len(await listed(store, tenant)) == 8


async def test_a_key_means_nothing_to_another_tenant(store: Store) -> None:
    first, second = a_run(), a_run()

    assert (await store.runs.start(NewRun(first, mark=a_mark()))).fresh
    assert (await store.runs.start(NewRun(second, mark=a_mark(digest="e" * 64)))).fresh


async def test_a_key_is_forgotten_after_24_hours(store: Store) -> None:
    old, new = a_run(), a_run()
    new = replace(new, tenant=old.tenant)
    await store.runs.start(NewRun(old, mark=a_mark(at=datetime.now(UTC) - timedelta(hours=24, seconds=5))))

    begun = await store.runs.start(NewRun(new, mark=a_mark(digest="e" * 64)))
    again = await store.runs.start(NewRun(a_run(old.tenant), mark=a_mark(digest="e" * 64)))

    assert (begun.fresh, begun.run.id) == (True, new.id)
    assert (again.fresh, again.run.id) == (False, new.id)


async def test_a_start_opens_its_thread(store: Store) -> None:
    run = await started(store)

    thread = await store.threads.get(run.tenant, run.thread)

    assert (thread.id, thread.tenant) == (run.thread, run.tenant)


async def test_a_start_on_a_thread_that_is_there_needs_it_to_be_there(store: Store) -> None:
    tenant = a_tenant()
    thread = a_thread(tenant)
    await store.threads.add(thread)

    begun = await store.runs.start(NewRun(a_run(tenant, thread=thread.id), opens_thread=False))
    with pytest.raises(ThreadNotFound):
        await store.runs.start(NewRun(a_run(tenant), opens_thread=False))

    assert [run.id for run in await listed(store, tenant)] == [begun.run.id]
    assert await store.threads.get(tenant, thread.id) == thread


async def test_a_start_on_another_tenants_thread_is_refused_like_one_on_none(store: Store) -> None:
    theirs = await started(store)
    order = a_run(thread=theirs.thread)

    with pytest.raises(ThreadNotFound):
        await store.runs.start(NewRun(order, opens_thread=False))

    assert not await listed(store, order.tenant)
    assert (await claimed(store)).run.id == theirs.id


async def test_a_refused_start_leaves_nothing_behind(store: Store) -> None:
    order = a_run()
    version = a_version(order.tenant, "posted-whole")

    with pytest.raises(ThreadNotFound):
        await store.runs.start(NewRun(order, opens_thread=False, mark=a_mark(), embedded=version))

    with pytest.raises(RunNotFound):
        await store.runs.get(order.tenant, order.id)
    with pytest.raises(WorkflowNotFound):
        await store.workflows.by_hash(order.tenant, version.metadata.id)
    assert not await store.queue.claim(ANN, 10, 60.0)
    assert (await store.runs.start(NewRun(a_run(order.tenant), mark=a_mark(digest="e" * 64)))).fresh


async def test_a_workflow_posted_with_its_run_is_found_by_its_hash_and_not_listed(store: Store) -> None:
    run = a_run()
    version = a_version(run.tenant, "posted-whole")
    for order in (run, a_run(run.tenant)):
        await store.runs.start(NewRun(order, embedded=version))

    assert await store.workflows.by_hash(run.tenant, version.metadata.id) == version
    assert not (await store.workflows.list(run.tenant, 10, None)).items
    with pytest.raises(WorkflowNotFound):
        await store.workflows.get(run.tenant, "posted-whole")
    with pytest.raises(WorkflowNotFound):
        await store.workflows.by_hash(a_tenant(), version.metadata.id)


async def test_another_tenants_run_is_answered_exactly_like_an_unknown_one(store: Store) -> None:
    run = await started(store)
    unknown = RunId("00000000-0000-7000-8000-000000000000")

    with pytest.raises(RunNotFound) as hidden:
        await store.runs.get(a_tenant(), run.id)
    with pytest.raises(RunNotFound) as missing:
        await store.runs.get(run.tenant, unknown)

    assert hidden.value.message.replace(run.id, "?") == missing.value.message.replace(unknown, "?")


async def test_a_list_shows_the_newest_first_and_only_its_tenants(store: Store) -> None:
    tenant = a_tenant()
    runs = [await started(store, a_run(tenant, created_at=NOON + timedelta(seconds=second))) for second in (5, 1, 3)]
    await started(store)

    assert [run.id for run in await listed(store, tenant)] == [runs[0].id, runs[2].id, runs[1].id]


@pytest.mark.parametrize("limit", [1, 3, 7, 100])
async def test_pages_together_are_the_whole_list_even_where_times_are_equal(store: Store, limit: int) -> None:
    tenant = a_tenant()
    runs = [await started(store, a_run(tenant, created_at=NOON + timedelta(seconds=n // 3))) for n in range(7)]

    found = await pages(store, tenant, EVERYTHING, limit)

    assert sorted(run for page in found for run in page) == sorted(run.id for run in runs)
    assert [len(page) for page in found[:-1]] == [limit] * (len(found) - 1)
    assert 0 < len(found[-1]) <= limit, "the last page is not an empty one"
    assert [run for page in found for run in page] == [run.id for run in await listed(store, tenant)]


async def test_a_run_started_between_two_pages_moves_no_other(store: Store) -> None:
    tenant = a_tenant()
    runs = [await started(store, a_run(tenant, created_at=NOON + timedelta(seconds=n))) for n in range(4)]
    first = await store.runs.list(tenant, EVERYTHING, 2, None)

    await started(store, a_run(tenant, created_at=NOON + timedelta(seconds=9)))

    second = await store.runs.list(tenant, EVERYTHING, 2, first.next_cursor)
    assert [run.id for run in (*first.items, *second.items)] == [run.id for run in reversed(runs)]


async def test_a_list_can_be_narrowed(store: Store) -> None:
    tenant = a_tenant()
    old = await started(store, a_run(tenant, workflow="triage@1.0.0", created_at=NOON))
    new = await started(store, a_run(tenant, workflow="triage@1.1.0", created_at=NOON + timedelta(hours=1)))
    other = await started(store, a_run(tenant, workflow="triage-two@1.0.0", created_at=NOON + timedelta(hours=2)))
    behind = await follows(store, other)
    claims = await store.queue.claim(ANN, 2, 60.0)

    async def ids(**wanted: object) -> set[str]:
        return {run.id for run in await listed(store, tenant, RunFilter(**wanted))}  # type: ignore[arg-type]

    assert await ids(workflow="triage") == {old.id, new.id}
    assert await ids(workflow="triage@1.1.0") == {new.id}
    assert await ids(thread=other.thread) == {other.id, behind.id}
    assert await ids(since=new.created_at) == {new.id, other.id, behind.id}
    assert await ids(until=new.created_at) == {old.id}
    assert await ids(status=RunStatus.RUNNING) == {claim.run.id for claim in claims}
    assert await ids(status=RunStatus.QUEUED, workflow="triage-two") == {other.id, behind.id} - {claim.run.id for claim in claims}


@pytest.mark.parametrize("cursor", ["nonsense", "", "e30", "WyJhIl0", "é", "A" * 5_000])
async def test_a_cursor_that_is_not_ours_is_refused(store: Store, cursor: str) -> None:
    tenant = (await started(store)).tenant

    with pytest.raises(ValidationError):
        await store.runs.list(tenant, EVERYTHING, 10, cursor)

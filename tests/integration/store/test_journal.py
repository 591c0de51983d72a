"""What every journal promises."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from domain.errors import Failure, Fenced, SerializationError, Stale
from domain.graph.definition import Limits
from domain.ids import ContentHash, Position, ThreadId, WorkerId
from domain.ports.journal import Append, Checkpoint, Recorded, Written
from domain.ports.queue import Claim
from domain.ports.repositories import RunFilter
from domain.run.events import AttemptFailed, Event, NodeFinished, RunStarted
from domain.run.run import RunStatus
from domain.usage import Money, Usage
from infrastructure.store.store import Store
from tests.integration.store.builders import (
    ANN,
    BOB,
    a_claim,
    a_result,
    a_tenant,
    append,
    claimed,
    finish,
    follows,
    in_an_hour,
    many_claims,
    started,
    taken_over,
    usage_row,
)


async def rows_of(store: Store, claim: Claim) -> Sequence[Recorded]:
    return await store.journal.read(claim.lease.tenant, claim.lease.thread, Position(0))


async def test_rows_come_back_numbered_from_one_as_they_were_written(store: Store) -> None:
    claim = await a_claim(store)
    events: list[Event] = [
        RunStarted(
            claim.run.id, ContentHash("c" * 64), {"ticket": "é"}, 12.5, limits=Limits(cost_usd=Decimal("0.50")), versions={"a": "b"}
        ),
        AttemptFailed(a_result().activation, Failure("timeout", "took too long", "a", 2, True, 1.5), 99.25, Usage("fast", 3, 4)),
        replace(a_result(label="bug", notes=[1, 2.5, None, {"deep": True}]), usage=Usage("fast", 1, 2, Money(Decimal("0.00001")))),
        replace(a_result(), usage=Usage("fast", 1, 2).beside(Usage("slow", 3, 4, Money(Decimal("0.1")), cached_tokens=2))),
    ]

    first = await append(store, claim.lease, 0, *events[:2])
    second = await append(store, claim.lease, 2, *events[2:])

    read = await rows_of(store, claim)
    assert [row.position for row in read] == [1, 2, 3, 4]
    assert [row.kind for row in read] == ["run_started", "attempt_failed", "node_finished", "node_finished"]
    assert {(row.thread, row.run) for row in read} == {(claim.lease.thread, claim.run.id)}
    assert [store.journal.decode(row) for row in read] == events
    assert [*first, *second] == list(read), "what an append returns is what a reader gets"
    assert all(row.at.utcoffset() is not None and abs((row.at - claim.run.created_at).total_seconds()) < 60 for row in read)


async def test_an_append_says_how_many_bytes_its_rows_take_where_they_were_made(store: Store, backend: str) -> None:
    claim = await a_claim(store)
    written = await append(store, claim.lease, 0, RunStarted(claim.run.id, ContentHash("c" * 64), {}, 12.5), a_result(text="é" * 1000))

    assert isinstance(written, Written)
    assert written.size == (0 if backend == "memory" else sum(len(row.body) for row in written))


async def test_reading_goes_on_behind_a_position_and_stops_at_its_limit(store: Store) -> None:
    claim = await a_claim(store)
    await append(store, claim.lease, 0, *(a_result(f"/a#{visit}") for visit in range(1, 8)))

    read = await store.journal.read(claim.lease.tenant, claim.lease.thread, Position(2), limit=3)

    assert [row.position for row in read] == [3, 4, 5]
    assert await store.journal.read(claim.lease.tenant, claim.lease.thread, Position(7)) in ([], ())


async def test_rows_of_one_run_can_be_read_alone(store: Store) -> None:
    first = await a_claim(store)
    await append(store, first.lease, 0, a_result("/first#1"))
    await finish(store, replace(first, position=Position(1)))
    await follows(store, first.run)
    second = await claimed(store)
    await append(store, second.lease, 2, a_result("/second#1"), a_result("/second#2"))

    read = await store.journal.read(first.run.tenant, first.run.thread, Position(0), run=second.run.id)
    limited = await store.journal.read(first.run.tenant, first.run.thread, Position(0), limit=1, run=second.run.id)

    assert second.position == 2
    assert [row.position for row in read] == [3, 4]
    assert [row.position for row in limited] == [3]


async def test_another_tenant_and_an_unknown_thread_have_no_rows(store: Store) -> None:
    claim = await a_claim(store)
    await append(store, claim.lease, 0, a_result(), checkpoint=Checkpoint(Position(1), b"{}"))

    for tenant, thread in ((a_tenant(), claim.lease.thread), (claim.lease.tenant, ThreadId("unknown"))):
        assert not await store.journal.read(tenant, thread, Position(0))
        assert await store.journal.end(tenant, thread) == 0
        assert await store.journal.newest_checkpoint(tenant, thread) is None


async def test_the_end_is_zero_before_the_first_row_and_then_the_newest_position(store: Store) -> None:
    claim = await a_claim(store)
    before = await store.journal.end(claim.lease.tenant, claim.lease.thread)

    await append(store, claim.lease, 0, a_result("/a#1"), a_result("/a#2"))

    assert (before, await store.journal.end(claim.lease.tenant, claim.lease.thread)) == (0, 2)


async def test_a_worker_that_lost_its_lease_can_append_nothing(store: Store) -> None:
    old = await a_claim(store, seconds=0)
    new = await taken_over(store)

    with pytest.raises(Fenced):
        await append(store, old.lease, 0, a_result("/old#1"))

    await append(store, new.lease, 0, a_result("/new#1"))
    with pytest.raises(Fenced):
        await append(store, old.lease, 1, a_result("/old#1"))
    assert [store.journal.decode(row) for row in await rows_of(store, new)] == [a_result("/new#1")]


@pytest.mark.parametrize("after", [pytest.param(0, id="behind the end"), pytest.param(2, id="beyond the end")])
async def test_the_newest_lease_with_another_position_is_stale_and_may_try_again(store: Store, after: int) -> None:
    claim = await a_claim(store)
    await append(store, claim.lease, 0, a_result("/a#1"))

    with pytest.raises(Stale):
        await append(store, claim.lease, after, a_result("/a#2"))

    (row,) = await append(store, claim.lease, 1, a_result("/a#2"))
    assert row.position == 2


async def test_what_stands_beside_the_rows_becomes_durable_with_them(store: Store) -> None:
    claim = await a_claim(store)
    run = claim.run
    await store.inbox.put(run.tenant, run.thread, run.id, "cancel", {}, "k")
    (wish,) = await store.inbox.waiting([run.thread])
    changed = replace(run, steps=7, last=Position(1))

    await append(
        store,
        claim.lease,
        0,
        a_result(),
        run=changed,
        usage=[usage_row(run)],
        checkpoint=Checkpoint(Position(1), b'{"state":1}'),
        taken=[wish.number],
    )

    assert await store.runs.get(run.tenant, run.id) == changed
    assert list(await store.usage.of_run(run.tenant, run.id)) == [usage_row(run)]
    assert await store.journal.newest_checkpoint(run.tenant, run.thread) == Checkpoint(Position(1), b'{"state":1}')
    assert not await store.inbox.waiting([run.thread])


async def test_runs_that_move_to_another_version_are_found_there(store: Store) -> None:
    claims = await many_claims(store, 6)
    new = [
        replace(claim.run, workflow="triage@2.0.0", workflow_hash=ContentHash("d" * 64), steps=number)
        for number, claim in enumerate(claims)
    ]

    await asyncio.gather(
        *(
            append(store, claim.lease, 0, a_result(), run=run, moves=number % 2 == 0)
            for number, (claim, run) in enumerate(zip(claims, new, strict=True))
        )
    )

    kept = [await store.runs.get(claim.run.tenant, claim.run.id) for claim in claims]
    assert kept[::2] == new[::2]
    assert [run.steps for run in kept] == list(range(6))
    for run in new[::2]:
        listed = await store.runs.list(run.tenant, RunFilter(workflow="triage@2.0.0"), 10, None)
        assert listed.items == (run,)


@pytest.mark.parametrize("status", [RunStatus.COMPLETED, RunStatus.PARKED])
@pytest.mark.parametrize("refusal", [Fenced, Stale])
async def test_a_refused_unit_changes_nothing_at_all(store: Store, refusal: type[Fenced] | type[Stale], status: RunStatus) -> None:
    old = await a_claim(store, seconds=0)
    new = await taken_over(store)
    run = new.run
    await store.inbox.put(run.tenant, run.thread, run.id, "cancel", {}, "k")
    (wish,) = await store.inbox.waiting([run.thread])
    lease, after = (old.lease, 0) if refusal is Fenced else (new.lease, 5)

    with pytest.raises(refusal):
        await append(
            store,
            lease,
            after,
            a_result(),
            run=replace(run, status=status, steps=9),
            usage=[usage_row(run)],
            checkpoint=Checkpoint(Position(1), b"{}"),
            taken=[wish.number],
            release_at=0.0,
        )

    assert await store.runs.get(run.tenant, run.id) == run
    assert not await store.usage.of_run(run.tenant, run.id)
    assert await store.journal.newest_checkpoint(run.tenant, run.thread) is None
    assert list(await store.inbox.waiting([run.thread])) == [wish]
    assert not await store.queue.renew(BOB, [new.lease], 60.0)
    assert not await store.queue.claim(ANN, 10, 60.0)
    assert not await rows_of(store, new)


async def test_the_newest_checkpoint_is_the_one_with_the_highest_position(store: Store) -> None:
    claim = await a_claim(store)
    for number in (1, 2, 3):
        point = Checkpoint(Position(number), b'{"n":%d}' % number) if number != 3 else None
        await append(store, claim.lease, number - 1, a_result(f"/a#{number}"), checkpoint=point)

    assert await store.journal.newest_checkpoint(claim.run.tenant, claim.run.thread) == Checkpoint(Position(2), b'{"n":2}')


async def test_a_unit_without_rows_may_still_let_go_of_its_run(store: Store) -> None:
    claim = await a_claim(store)

    rows = await append(store, claim.lease, 0, run=replace(claim.run, status=RunStatus.PARKED), release_at=0.0)

    assert len(rows) == 0
    assert (await claimed(store)).lease.epoch == claim.lease.epoch + 1


async def test_one_unit_may_be_large(store: Store) -> None:
    claim = await a_claim(store)
    events = [a_result(f"/a#{visit}", text="x" * 2_000) for visit in range(1, 1_001)]

    rows = await append(store, claim.lease, 0, *events)

    assert len(rows) == 1_000
    last = await store.journal.read(claim.lease.tenant, claim.lease.thread, Position(999))
    assert [store.journal.decode(row) for row in last] == events[-1:]


async def test_a_row_of_an_unknown_kind_cannot_be_decoded(store: Store) -> None:
    claim = await a_claim(store)
    (row,) = await append(store, claim.lease, 0, a_result())

    with pytest.raises(SerializationError):
        store.journal.decode(replace(row, kind="from_the_future"))


async def test_of_two_appends_to_one_position_at_once_exactly_one_happens(store: Store) -> None:
    claim = await a_claim(store)

    outcomes = await asyncio.gather(*(append(store, claim.lease, 0, a_result(f"/a#{n}")) for n in range(10)), return_exceptions=True)

    assert sorted(type(outcome).__name__ for outcome in outcomes if isinstance(outcome, Exception)) == ["Stale"] * 9
    assert len(await rows_of(store, claim)) == 1


async def test_units_of_one_run_sent_in_order_without_waiting_all_happen(store: Store) -> None:
    claim = await a_claim(store)

    await asyncio.gather(*(append(store, claim.lease, n, a_result(f"/a#{n}")) for n in range(20)))

    assert [store.journal.decode(row) for row in await rows_of(store, claim)] == [a_result(f"/a#{n}") for n in range(20)]


async def test_what_follows_a_refused_unit_of_its_run_is_refused_too(store: Store) -> None:
    old = await a_claim(store, seconds=0)
    new = await taken_over(store)

    outcomes = await asyncio.gather(*(append(store, old.lease, n, a_result(f"/a#{n}")) for n in range(5)), return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [Fenced] * 5
    assert not await rows_of(store, new)


async def test_refused_units_inside_a_batch_are_refused_alone(store: Store) -> None:
    claims = list(await many_claims(store, 19, seconds=60.0))
    lost = await a_claim(store, seconds=0)
    await taken_over(store)
    moved = claims.pop()
    await append(store, moved.lease, 0, a_result())

    everybody = [*claims[:9], lost, *claims[9:], moved]
    outcomes = await asyncio.gather(*(append(store, claim.lease, 0, a_result()) for claim in everybody), return_exceptions=True)

    refused = {everybody[index].run.id: type(outcome) for index, outcome in enumerate(outcomes) if isinstance(outcome, Exception)}
    assert refused == {lost.run.id: Fenced, moved.run.id: Stale}
    assert [len(await rows_of(store, claim)) for claim in claims] == [1] * 18


async def test_a_writer_that_is_cancelled_while_it_waits_takes_nobody_with_it(store: Store) -> None:
    claims = await many_claims(store, 10)
    writers = [asyncio.create_task(append(store, claim.lease, 0, a_result())) for claim in claims]
    await asyncio.sleep(0)
    writers[3].cancel()

    outcomes = await asyncio.gather(*writers, return_exceptions=True)

    others = [outcome for index, outcome in enumerate(outcomes) if index != 3]
    assert not [outcome for outcome in others if isinstance(outcome, BaseException)]


async def test_many_runs_append_side_by_side_and_every_row_is_there(store: Store, committed: list[int]) -> None:
    claims = await many_claims(store, 50)

    async def ten_steps(claim: Claim) -> None:
        for step in range(10):
            await append(store, claim.lease, step, a_result(f"/a#{step}"))

    await asyncio.gather(*map(ten_steps, claims))

    for claim in claims:
        assert [row.position for row in await rows_of(store, claim)] == list(range(1, 11))
    assert sum(committed) >= 500, "each commit says how many rows it wrote"


async def test_a_claim_that_slips_in_never_lets_two_results_have_one_position(store: Store, beside: Store) -> None:
    """Takers take a run over all the time while everybody who ever held it goes on appending."""
    run = await started(store)
    written: dict[int, tuple[int, NodeFinished]] = {}
    refused: list[str] = []

    async def work(name: int, where: Store) -> None:
        turns = 0
        while len(written) < 20 or not refused:
            turns += 1
            for claim in await where.queue.claim(WorkerId(f"worker-{name}"), 1, 0.0):
                after = await where.journal.end(run.tenant, run.thread)
                await asyncio.gather(*(write(where, claim, after, f"/{claim.lease.worker}#{turns}-{n}") for n in range(3)))

    async def write(where: Store, claim: Claim, after: Position, name: str) -> None:
        event = a_result(name)
        try:
            (row,) = await append(where, claim.lease, after, event)
        except (Fenced, Stale) as refusal:
            refused.append(refusal.code)
        else:
            assert row.position not in written, "two writers were told that they have this position"
            written[row.position] = (claim.lease.epoch, event)

    async with asyncio.timeout(60):
        await asyncio.gather(*(work(name, where) for name, where in enumerate([store, beside, store, beside])))

    rows = await store.journal.read(run.tenant, run.thread, Position(0))
    assert [row.position for row in rows] == sorted(written) == list(range(1, len(written) + 1))
    assert [store.journal.decode(row) for row in rows] == [written[row.position][1] for row in rows]
    epochs = [written[position][0] for position in sorted(written)]
    assert epochs == sorted(epochs), "an old epoch wrote after a newer one"


async def test_a_new_owner_reads_everything_its_forerunner_was_told_is_durable(store: Store, beside: Store) -> None:
    old = await a_claim(store, seconds=0)
    await append(store, old.lease, 0, a_result("/a#1"), a_result("/a#2"))

    new = await taken_over(beside)

    assert new.position == 2
    assert len(await beside.journal.read(new.run.tenant, new.run.thread, Position(0))) == 2


async def test_a_run_parked_until_later_keeps_its_rows_and_goes_on_behind_them(store: Store) -> None:
    claim = await a_claim(store)
    parked = replace(claim.run, status=RunStatus.PARKED)
    await store.journal.append(Append(claim.lease, Position(0), [a_result("/a#1")], run=parked, release_at=in_an_hour()))
    await store.inbox.put(parked.tenant, parked.thread, parked.id, "cancel", {}, "k")

    again = await claimed(store, ANN)

    (row,) = await append(store, again.lease, 1, a_result("/a#2"))
    assert row.position == 2

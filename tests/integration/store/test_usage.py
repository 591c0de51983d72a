"""What every ledger promises."""

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from domain.errors import Fenced
from domain.ids import Epoch
from domain.usage import Money, Usage, UsageState, total
from infrastructure.store.store import Store
from tests.integration.store.builders import a_claim, a_result, a_run, a_tenant, append, started, taken_over, usage_row


async def test_lines_come_back_in_order_and_to_the_last_digit(store: Store) -> None:
    run = await started(store)
    rows = [
        usage_row(run, "/b#1", usage=Usage("fast", 1, 2, Money(Decimal("0.000000123456789")))),
        usage_row(run, "/a#1", usage=Usage("careful", 3, 4, None, estimated=True)),
        usage_row(run, "/a#1", attempt=2, usage=Usage("careful", 5, 6, Money(Decimal("12.50"), "EUR"))),
    ]

    await store.usage.count(rows[:2])
    await store.usage.count(rows[2:])

    assert list(await store.usage.of_run(run.tenant, run.id)) == rows


async def test_a_line_that_is_there_already_changes_nothing(store: Store, beside: Store) -> None:
    run = await started(store)
    first, same_place = usage_row(run), usage_row(run, usage=Usage("fast", 99, 99))

    await asyncio.gather(*(where.usage.count([first]) for where in [store, beside] * 3))
    await store.usage.count([same_place, usage_row(run, epoch=2)])

    assert list(await store.usage.of_run(run.tenant, run.id)) == [first, usage_row(run, epoch=2)]


async def test_a_fenced_workers_line_and_the_new_owners_both_count(store: Store) -> None:
    claim = await a_claim(store)
    await store.usage.count([usage_row(claim.run, epoch=7)])

    await append(store, claim.lease, 0, a_result(), usage=[usage_row(claim.run, epoch=8), usage_row(claim.run, epoch=7)])

    rows = await store.usage.of_run(claim.run.tenant, claim.run.id)
    assert [row.epoch for row in rows] == [7, 8]
    assert total(row.usage for row in rows).prompt_tokens == 20


async def test_another_tenant_sees_no_lines(store: Store) -> None:
    run = await started(store)
    await store.usage.count([usage_row(run)])

    assert not await store.usage.of_run(a_tenant(), run.id)
    assert not await store.usage.of_run(run.tenant, a_run().id)


async def test_counting_nothing_is_nothing(store: Store) -> None:
    run = await started(store)

    await store.usage.count([])

    assert not await store.usage.of_run(run.tenant, run.id)


@pytest.mark.parametrize("way", ["in an append", "beside"])
@pytest.mark.parametrize("now", UsageState)
@pytest.mark.parametrize("then", UsageState)
async def test_a_line_gives_way_as_its_state_says(store: Store, now: UsageState, then: UsageState, way: str) -> None:
    claim = await a_claim(store)
    line = replace(usage_row(claim.run, epoch=claim.lease.epoch, usage=Usage("fast", 60, 40, estimated=True)), state=now)
    other = replace(line, usage=Usage("slow", 1, 2, Money(Decimal("0.5"), "EUR")), state=then)

    for rows in ([line], [other]):
        if way == "beside":
            await store.usage.count(rows)
        else:
            await append(store, claim.lease, 0, usage=rows)

    left = other if now.gives_way_to(then) else line
    shown = await store.usage.of_run(claim.run.tenant, claim.run.id)
    assert list(shown) == ([] if left.state is UsageState.VOID else [left])


@pytest.mark.parametrize("way", ["in an append", "beside"])
async def test_several_lines_of_one_call_at_once_come_to_one(store: Store, way: str) -> None:
    claim = await a_claim(store)
    reserved = replace(usage_row(claim.run, usage=Usage("fast", 60, 40)), state=UsageState.RESERVED)
    counted = usage_row(claim.run)
    rows = [reserved, counted, replace(reserved, state=UsageState.UNKNOWN)]

    if way == "beside":
        await store.usage.count(rows)
    else:
        await append(store, claim.lease, 0, a_result(), usage=rows)

    assert list(await store.usage.of_run(claim.run.tenant, claim.run.id)) == [counted]


async def test_a_unit_of_lines_alone_is_durable_and_moves_nothing(store: Store) -> None:
    claim = await a_claim(store)
    line = replace(usage_row(claim.run), state=UsageState.RESERVED)

    assert list(await append(store, claim.lease, 0, usage=[line])) == []

    assert list(await store.usage.of_run(claim.run.tenant, claim.run.id)) == [line]
    assert await store.journal.end(claim.run.tenant, claim.run.thread) == 0
    (row,) = await append(store, claim.lease, 0, a_result(), usage=[replace(line, state=UsageState.COUNTED)])
    assert row.position == 1


async def test_a_fenced_worker_reserves_nothing(store: Store) -> None:
    old = await a_claim(store, seconds=0)
    new = await taken_over(store)

    with pytest.raises(Fenced):
        await append(store, old.lease, 0, usage=[replace(usage_row(old.run), state=UsageState.RESERVED)])

    assert not await store.usage.of_run(new.run.tenant, new.run.id)


async def test_what_workers_before_had_reserved_is_found_by_who_comes_next(store: Store) -> None:
    run, other = await started(store), await started(store)
    lines = [
        replace(usage_row(one, path, epoch), state=state)
        for one, path, epoch, state in [
            (run, "/a#1", 1, UsageState.RESERVED),
            (run, "/b#1", 1, UsageState.COUNTED),
            (run, "/c#1", 1, UsageState.VOID),
            (run, "/d#1", 2, UsageState.RESERVED),
            (run, "/e#1", 2, UsageState.UNKNOWN),
            (run, "/f#1", 3, UsageState.RESERVED),
            (other, "/a#1", 1, UsageState.RESERVED),
        ]
    ]
    await store.usage.count(lines)

    found = await store.usage.reserved(run.tenant, run.id, Epoch(3))

    assert [row.activation for row in found] == ["/a#1", "/d#1"]
    assert not await store.usage.reserved(a_tenant(), run.id, Epoch(3))

"""What every ledger promises."""

import asyncio
from decimal import Decimal

from domain.usage import Money, Usage, total
from infrastructure.store.store import Store
from tests.integration.store.builders import a_claim, a_result, a_run, a_tenant, append, started, usage_row


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

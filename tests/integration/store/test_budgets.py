"""What every store promises about budgets, their accounts and the blocks of them."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from domain.budget import TOKENS, AccountKey, AtLimit, Budget, Period
from domain.budget_account import Block, Lack
from domain.errors import BudgetNameTaken, BudgetNotFound
from domain.ids import BlockId, BudgetId
from infrastructure.ids import new_id
from infrastructure.store.store import Store
from tests.integration.store.builders import NOON, a_tenant

NOW = NOON.timestamp()


def a_budget(limit: str = "10", **told: object) -> Budget:
    made = Budget(BudgetId(new_id()), a_tenant(), "daily", NOON, Decimal(limit), "USD")
    return replace(made, **told)  # type: ignore[arg-type]


def an_account(budget: Budget, subject: str = "") -> AccountKey:
    return AccountKey(budget.id, subject, "2026-11-21")


def a_block(granted: str = "0", used: str = "0", reserved: str = "0", at: float = NOW) -> Block:
    return Block(BlockId(new_id()), Decimal(granted), Decimal(used), Decimal(reserved), at)


async def leased(store: Store, key: AccountKey, block: Block, least: str, now: float = NOW) -> object:
    amount = Decimal(least)
    lease = await store.accounts.change(key, lambda account: account.lease(block, amount, amount, now, alone=False), block.id)
    if isinstance(lease, Decimal):
        block.granted += lease
    return lease


async def test_budgets_come_back_as_they_were_and_only_to_their_tenant(store: Store) -> None:
    mine = a_budget(
        "0.000000000000123456", scope={"workflow": "a/b"}, period=Period.DAY, at_limit=AtLimit.DEGRADE, instead="small", alerts=(9,)
    )
    theirs = a_budget(unit=TOKENS)
    await store.budgets.add(mine)
    await store.budgets.add(theirs)

    assert await store.budgets.get(mine.tenant, mine.id) == mine
    assert list(await store.budgets.all(mine.tenant)) == [mine]
    assert {budget.id for budget in await store.budgets.all()} >= {mine.id, theirs.id}
    with pytest.raises(BudgetNotFound):
        await store.budgets.get(theirs.tenant, mine.id)


async def test_two_budgets_of_one_name_are_one_too_many(store: Store) -> None:
    first = a_budget()
    await store.budgets.add(first)
    await store.budgets.add(first)

    with pytest.raises(BudgetNameTaken):
        await store.budgets.add(a_budget(tenant=first.tenant))
    await store.budgets.add(a_budget())


async def test_of_two_changes_at_once_one_is_kept(store: Store, beside: Store) -> None:
    budget = a_budget()
    await store.budgets.add(budget)

    changes = [one.budgets.change(replace(budget, limit=Decimal(limit))) for one, limit in ((store, 20), (beside, 30))]

    assert sorted(await asyncio.gather(*changes)) == [False, True]
    assert (await store.budgets.get(budget.tenant, budget.id)).limit in (20, 30)


async def test_a_budget_that_is_removed_takes_its_accounts_along(store: Store) -> None:
    budget = a_budget()
    await store.budgets.add(budget)
    block = a_block()
    await leased(store, an_account(budget), block, "4")

    await store.budgets.remove(budget.tenant, budget.id)

    assert await store.accounts.mark([block]) == {}
    assert await leased(store, an_account(budget), block, "1") is None
    with pytest.raises(BudgetNotFound):
        await store.budgets.remove(budget.tenant, budget.id)


async def test_leases_at_once_never_come_to_more_than_the_limit(store: Store, beside: Store) -> None:
    budget = a_budget("10")
    await store.budgets.add(budget)
    blocks = [a_block() for _ in range(24)]

    leases = await asyncio.gather(
        *(leased((store, beside)[number % 2], an_account(budget), block, "0.7") for number, block in enumerate(blocks))
    )

    assert sum(lease for lease in leases if isinstance(lease, Decimal)) <= 10
    assert sum(isinstance(lease, Lack) for lease in leases) == 24 - sum(isinstance(lease, Decimal) for lease in leases) >= 10


async def test_a_raised_limit_is_there_for_the_next_lease(store: Store) -> None:
    budget = a_budget("1")
    await store.budgets.add(budget)
    first, second = a_block(), a_block()
    await leased(store, an_account(budget), first, "1")
    assert isinstance(await leased(store, an_account(budget), second, "1"), Lack)

    await store.budgets.change(replace(budget, limit=Decimal(2)))

    assert await leased(store, an_account(budget), second, "1") == 1


async def test_marks_are_durable_and_tell_what_is_wanted(store: Store, beside: Store) -> None:
    budget = a_budget("1")
    await store.budgets.add(budget)
    block = a_block()
    await leased(store, an_account(budget), block, "1")
    block.take(Decimal("0.75"))

    assert await store.accounts.mark([block]) == {block.id: 0.0}
    assert isinstance(await leased(store, an_account(budget), a_block(), "0.5", NOW + 7), Lack)
    assert await store.accounts.mark([block, a_block()]) == {block.id: NOW + 7}

    (account,) = await beside.accounts.of(budget.id, ["2026-11-21"], 10)
    assert [account.taken, account.reserved, account.spent, account.left] == [1, Decimal("0.75"), 0, Decimal("0.25")]
    assert not await store.accounts.of(budget.id, ["2026-11-22"], 10)


async def test_a_block_whose_holder_is_gone_keeps_what_it_reserved_and_frees_the_rest(store: Store, beside: Store) -> None:
    budget = a_budget("10")
    await store.budgets.add(budget)
    key, dead = an_account(budget), a_block()
    await leased(store, key, dead, "10")
    dead.take(Decimal(4))
    await store.accounts.mark([dead])

    assert await beside.accounts.change(key, lambda account: account.close_expired(NOW)) == 0
    assert await beside.accounts.change(key, lambda account: account.close_expired(NOW + 1)) == 1

    assert await store.accounts.mark([dead]) == {}
    (account,) = await store.accounts.of(budget.id, [key.period], 10)
    assert [account.taken, account.spent, account.blocks] == [4, 4, {}]
    assert isinstance(await leased(store, key, a_block(), "6.01"), Lack)
    assert await leased(store, key, a_block(), "6") == 6


async def test_what_a_lost_call_came_to_is_corrected_once_however_often_it_is_told(store: Store) -> None:
    budget = a_budget("10")
    await store.budgets.add(budget)
    key, dead = an_account(budget), a_block()
    await leased(store, key, dead, "10")
    dead.take(Decimal(4))
    await store.accounts.mark([dead])
    await store.accounts.change(key, lambda account: account.close_expired(NOW + 1))

    dead.settle(Decimal(4), Decimal(1))
    for _ in range(2):
        await store.accounts.change(key, lambda account: account.close(dead), dead.id)

    (account,) = await store.accounts.of(budget.id, [key.period], 10)
    assert [account.taken, account.spent] == [1, 1]


async def test_accounts_are_awake_until_somebody_lays_them_to_rest(store: Store) -> None:
    budget = a_budget()
    await store.budgets.add(budget)
    key, block = an_account(budget, "ann"), a_block()
    await leased(store, key, block, "1")
    assert key in {account.key for account in await store.accounts.awake(1_000)}

    await store.accounts.change(key, lambda account: account.close(block), block.id)
    await store.accounts.change(key, lambda account: account.rest())

    assert key not in {account.key for account in await store.accounts.awake(1_000)}


async def test_closed_blocks_are_forgotten_and_what_they_used_is_not(store: Store) -> None:
    budget = a_budget()
    await store.budgets.add(budget)
    key, block = an_account(budget), a_block()
    await leased(store, key, block, "3")
    block.take(Decimal(3))
    await store.accounts.mark([block])
    await store.accounts.change(key, lambda account: account.close_expired(NOW + 1))

    assert await store.accounts.forget(NOON, 10) == 0
    assert await store.accounts.forget(NOON + timedelta(seconds=1), 10) == 1

    (account,) = await store.accounts.of(budget.id, [key.period], 10)
    assert account.spent == 3

"""On PostgreSQL changes of accounts that come together are done together, and read no more than what they change."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from itertools import pairwise
from typing import cast

import asyncpg
import pytest

from domain.budget import AccountKey
from domain.budget_account import Account, Block
from domain.ids import BlockId, BudgetId
from infrastructure.ids import new_id
from infrastructure.store import budget_rows as rows
from infrastructure.store.budgets.changes import Changes
from infrastructure.store.postgres.connections import PostgresReader, open_pool
from infrastructure.store.store import Store
from tests.integration.store.test_budgets import NOW, a_budget, an_account

pytestmark = [
    pytest.mark.parametrize("backend", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True),
]
MANY = 40
_CLOSED = """INSERT INTO budget_blocks SELECT $1 || n, $1, 's' || n, '', '1', '1', '0', 0, TRUE FROM generate_series(1, 10000) n"""
_FORGET = "DELETE FROM pg_statistic WHERE starelid = 'budget_blocks'::regclass"


@dataclass
class Counted:
    """A pool that counts transactions."""

    pool: PostgresReader
    transactions: int = 0

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[asyncpg.Connection]:
        self.transactions += 1
        async with self.pool.transaction() as connection:
            yield connection


def leasing(amount: str, account: Account) -> object:
    block, wanted = Block(BlockId(new_id()), expires_at=NOW), Decimal(amount)
    return account.lease(block, wanted, wanted, NOW, alone=True)


async def test_changes_of_many_accounts_that_come_together_are_two_transactions(store: Store, url: str) -> None:
    budget = a_budget("10")
    await store.budgets.add(budget)
    keys = [an_account(budget, f"run {number}") for number in range(MANY)]
    gone = AccountKey(BudgetId(new_id()), "", "")

    async with open_pool(url) as pool:
        counted = Counted(pool)
        changes = Changes(cast(PostgresReader, counted))
        first = changes.do(gone, partial(leasing, "1"), None)
        leases = await asyncio.gather(first, *(changes.do(key, partial(leasing, "4"), None) for key in keys))

    assert leases == [None, *[Decimal(10)] * MANY]
    assert counted.transactions <= 2
    found = await store.accounts.of(budget.id, [keys[0].period], 100)
    assert [(account.taken, len(account.open)) for account in found] == [(Decimal(10), 1)] * MANY


async def test_changes_of_one_account_that_come_together_are_done_one_after_the_other(store: Store) -> None:
    budget = a_budget("1000")
    await store.budgets.add(budget)

    def take_one(account: Account) -> Decimal:
        account.taken += 1
        return account.taken

    taken = await asyncio.gather(*(store.accounts.change(an_account(budget), take_one) for _ in range(MANY)))

    assert taken == list(range(1, MANY + 1))
    (account,) = await store.accounts.of(budget.id, [an_account(budget).period], 10)
    assert account.taken == MANY


@pytest.mark.parametrize("statistics", [_FORGET, "ANALYZE budget_blocks"], ids=["without statistics", "with statistics"])
async def test_a_lease_reads_open_blocks_of_its_account_alone(store: Store, url: str, statistics: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(_CLOSED.replace("$1", f"'{new_id()}'"))
    await connection.execute(statistics)
    await connection.close()
    statement = rows.LOCK_BLOCKS
    for number in range(1, 5):
        statement = statement.replace(f"${number}::text[]", "array['x']")

    async with open_pool(url) as database:
        plan = [str(row[0]).strip() for row in await database.rows(f"EXPLAIN (COSTS OFF) {statement}")]

    scans = [(line, below) for line, below in pairwise(plan) if "on budget_blocks" in line]
    assert ["ix_budget_blocks_open on" in scans[0][0], "pk_budget_blocks on" in scans[1][0]] == [True, True], plan
    assert scans[1][1].startswith("Index Cond: (id ="), plan

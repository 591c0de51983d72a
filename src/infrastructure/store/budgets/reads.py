"""What is read of accounts without changing them."""

from collections.abc import Collection, Sequence

from domain.budget_account import Account
from domain.ids import BudgetId
from infrastructure.store import budget_rows as rows
from infrastructure.store.reader import Reader
from infrastructure.store.rows import Row


async def accounts_of(reader: Reader, budget: BudgetId, periods: Collection[str], limit: int) -> Sequence[Account]:
    statement = reader.dialect.spell(rows.OF)
    found = await reader.rows(statement, budget, reader.members(list(periods)), limit)
    return rows.with_blocks(found, await _open_blocks(reader, [budget]) if found else ())


async def awake_accounts(reader: Reader, limit: int) -> Sequence[Account]:
    found = await reader.few(rows.AWAKE, limit)
    return rows.with_blocks(found, await _open_blocks(reader, sorted({row[0] for row in found})) if found else ())


async def _open_blocks(reader: Reader, budgets: Sequence[str]) -> Sequence[Row]:
    return await reader.rows(reader.dialect.spell(rows.OPEN_BLOCKS), reader.members(budgets))

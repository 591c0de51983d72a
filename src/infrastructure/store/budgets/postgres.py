"""Accounts of budgets on PostgreSQL: changes that come together are a transaction on the accounts' locked rows, a batch of marks is one
statement."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from domain.budget import AccountKey
from domain.budget_account import Account, Block
from domain.ids import BlockId, BudgetId
from infrastructure.store import budget_rows as rows
from infrastructure.store.budgets.changes import Changes
from infrastructure.store.budgets.reads import accounts_of, awake_accounts
from infrastructure.store.postgres.connections import PostgresReader
from infrastructure.store.rows import Row, seconds

T = TypeVar("T")
_MARK: Final = f"""WITH held AS (
    SELECT id FROM budget_blocks WHERE id = ANY($1::text[]) AND NOT closed ORDER BY id FOR UPDATE
)
UPDATE budget_blocks SET used = u.used, reserved = u.reserved, expires_at = u.expires_at
    FROM unnest($1::text[], $2::text[], $3::text[], $4::float8[]) AS u(id, used, reserved, expires_at) JOIN held USING (id)
    WHERE budget_blocks.id = ANY($1::text[]) AND budget_blocks.id = u.id
    RETURNING budget_blocks.id, {rows.WANTED}"""  # noqa: S608 - no value in it


@dataclass(frozen=True, slots=True)
class PostgresBudgetAccounts:
    database: PostgresReader

    changes: Changes

    async def change(self, key: AccountKey, work: Callable[[Account], T], block: BlockId | None = None) -> T | None:
        return await self.changes.do(key, work, block)

    async def mark(self, blocks: Sequence[Block]) -> Mapping[BlockId, float]:
        values = zip(*((block.id, str(block.used), str(block.reserved), block.expires_at) for block in blocks), strict=True)
        found = await self.database.rows(_MARK, *map(list, values))
        return {BlockId(identity): wanted_at or 0.0 for identity, wanted_at in found}

    async def of(self, budget: BudgetId, periods: Collection[str], limit: int) -> Sequence[Account]:
        return await accounts_of(self.database, budget, periods, limit)

    async def awake(self, limit: int) -> Sequence[Account]:
        return await awake_accounts(self.database, limit)

    async def forget(self, before: datetime, limit: int) -> int:
        return len(await self.database.rows(rows.FORGET, seconds(before), limit))


@dataclass(frozen=True, slots=True)
class PostgresWrite:
    """An `infrastructure.store.budgets.kept.Write`."""

    database: PostgresReader

    async def __call__(self, *statements: tuple[str, Row]) -> Sequence[Row]:
        async with self.database.transaction() as connection:
            answers = [await connection.fetch(statement, *values) for statement, values in statements]
        first: Sequence[Row] = answers[0]
        return first

"""Changes of accounts on PostgreSQL: those that come while others are under way are done together, in one transaction.

Each run may have an account of its own: a hundred runs that begin together lock, read and write theirs with a handful of statements.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar, cast

import asyncpg

from domain.budget import AccountKey
from domain.budget_account import Account
from domain.ids import BlockId
from infrastructure.store import budget_rows as rows
from infrastructure.store.budgets.change import changed
from infrastructure.store.postgres.connections import PostgresReader
from infrastructure.store.rows import Row

T = TypeVar("T")
MOST: Final = 64
"""Accounts that are locked at once."""


@dataclass(slots=True, eq=False)
class Change:
    key: AccountKey
    work: Callable[[Account], object]
    block: BlockId | None
    done: "asyncio.Future[object]"


@dataclass(slots=True, eq=False)
class Changes:
    database: PostgresReader
    waiting: list[Change] = field(default_factory=list)
    _doing: "asyncio.Task[None] | None" = None

    async def do(self, key: AccountKey, work: Callable[[Account], T], block: BlockId | None) -> T | None:
        change = Change(key, work, block, asyncio.get_running_loop().create_future())
        self.waiting.append(change)
        if self._doing is None:
            self._doing = asyncio.create_task(self._do_all())
        return cast(T | None, await change.done)

    async def _do_all(self) -> None:
        try:
            while self.waiting:
                batch, self.waiting = self.waiting[:MOST], self.waiting[MOST:]
                await self._do(batch)
        finally:
            self._doing = None

    async def _do(self, batch: Sequence[Change]) -> None:
        """Who asked hears of it when all of it is kept."""
        try:
            results = await self._kept(batch)
        except Exception as error:
            for change in batch:
                if not change.done.done():
                    change.done.set_exception(error)
            return
        for change, result in zip(batch, results, strict=True):
            if not change.done.done():
                change.done.set_result(result)

    async def _kept(self, batch: Sequence[Change]) -> Sequence[object]:
        async with self.database.transaction() as connection:
            accounts = await _locked(connection, batch)
            results: list[object] = []
            blocks: dict[str, Row] = {}
            standing: dict[AccountKey, Row] = {}
            for change in batch:
                account = accounts.get(change.key)
                if account is None:
                    results.append(None)
                    continue
                result, written = changed(account, change.work)
                results.append(result)
                blocks.update((row[3], row) for row in written.blocks)
                if written.account is not None:
                    standing[change.key] = written.account
            if blocks or standing:
                await connection.execute(rows.KEEP_ALL, *_columns(list(blocks.values()), 9), *_columns(list(standing.values()), 9))
        return results


async def _locked(connection: asyncpg.Connection, batch: Sequence[Change]) -> dict[AccountKey, Account]:
    """Those of budgets that there are."""
    keys = _columns(list({change.key: change.key for change in batch}), 3)
    locked = await connection.fetch(rows.LOCK_ALL, *keys)
    if not locked:
        return {}
    blocks = await connection.fetch(rows.LOCK_BLOCKS, *keys, [change.block for change in batch if change.block is not None])
    return {account.key: account for account in rows.with_blocks([tuple(row) for row in locked], [tuple(row) for row in blocks])}


def _columns(table: Sequence[Sequence[Any]], width: int) -> list[list[Any]]:
    return [[row[at] for row in table] for at in range(width)]

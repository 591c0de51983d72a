"""Accounts of budgets on SQLite, in the transactions of the process's one writer: nobody else is in between."""

import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final, TypeVar

from domain.budget import AccountKey
from domain.budget_account import Account, Block
from domain.ids import BlockId, BudgetId
from infrastructure.store import budget_rows as rows
from infrastructure.store.budgets.change import changed
from infrastructure.store.budgets.reads import accounts_of, awake_accounts
from infrastructure.store.rows import Row, seconds
from infrastructure.store.sqlite.connections import SqliteReader, question_marks
from infrastructure.store.sqlite.writer import SqliteWriter

T = TypeVar("T")
_MARK: Final = f"UPDATE budget_blocks SET used = ?, reserved = ?, expires_at = ? WHERE id = ? AND NOT closed RETURNING id, {rows.WANTED}"  # noqa: S608 - no value in it


@dataclass(frozen=True, slots=True)
class SqliteBudgetAccounts:
    writer: SqliteWriter
    reader: SqliteReader

    async def change(self, key: AccountKey, work: Callable[[Account], T], block: BlockId | None = None) -> T | None:
        return await self.writer.do(partial(_change, key, work, block))

    async def mark(self, blocks: Sequence[Block]) -> Mapping[BlockId, float]:
        values = [(str(block.used), str(block.reserved), block.expires_at, block.id) for block in blocks]
        return await self.writer.do(partial(_mark, values))

    async def of(self, budget: BudgetId, periods: Collection[str], limit: int) -> Sequence[Account]:
        return await accounts_of(self.reader, budget, periods, limit)

    async def awake(self, limit: int) -> Sequence[Account]:
        return await awake_accounts(self.reader, limit)

    async def forget(self, before: datetime, limit: int) -> int:
        values = (seconds(before), limit)
        return len(await self.writer.do(lambda connection: connection.execute(question_marks(rows.FORGET), values).fetchall()))


@dataclass(frozen=True, slots=True)
class SqliteWrite:
    """An `infrastructure.store.budgets.kept.Write`."""

    writer: SqliteWriter

    async def __call__(self, *statements: tuple[str, Row]) -> Sequence[Row]:
        return await self.writer.do(partial(_write, statements))


def _change(key: AccountKey, work: Callable[[Account], T], block: BlockId | None, connection: sqlite3.Connection) -> T | None:
    locked = connection.execute(question_marks(rows.LOCK), key).fetchall()
    if not locked:
        return None
    blocks = connection.execute(question_marks(rows.BLOCKS), (*key, block)).fetchall()
    result, written = changed(rows.account_of(locked[0], blocks), work)
    connection.executemany(question_marks(rows.KEEP_BLOCK), written.blocks)
    if written.account is not None:
        connection.execute(question_marks(rows.KEEP_ACCOUNT), written.account)
    return result


def _mark(values: Sequence[Row], connection: sqlite3.Connection) -> dict[BlockId, float]:
    found = [row for value in values for row in connection.execute(_MARK, value).fetchall()]
    return {BlockId(identity): wanted_at or 0.0 for identity, wanted_at in found}


def _write(statements: Sequence[tuple[str, Row]], connection: sqlite3.Connection) -> Sequence[Row]:
    answers = [connection.execute(question_marks(statement), values).fetchall() for statement, values in statements]
    return answers[0]

"""Idempotency marks on SQLite, in the same commits as everything else."""

import sqlite3
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from domain.ids import TenantId
from domain.ports.repositories import IdempotencyMark
from infrastructure.store.marks import FORGET, KNOWN, SETTLE, TAKE, Broom, forgetting, subject_of, taking
from infrastructure.store.rows import Row, seconds
from infrastructure.store.sqlite.connections import SqliteReader, question_marks
from infrastructure.store.sqlite.writer import SqliteWriter

_FORGET = question_marks(FORGET.format(unless_locked=""))


@dataclass(frozen=True, slots=True)
class SqliteMarks:
    writer: SqliteWriter
    reader: SqliteReader
    broom: Broom = field(default_factory=Broom)

    async def known(self, tenant: TenantId, mark: IdempotencyMark) -> str | None:
        rows = await self.reader.few(KNOWN, tenant, mark.key, seconds(mark.at))
        return subject_of(mark, rows[0]) if rows else None

    async def take(self, tenant: TenantId, mark: IdempotencyMark, subject: str) -> str:
        old = mark.at if self.broom.is_due() else None
        return subject_of(mark, await self.writer.do(partial(_take, values=taking(tenant, mark, subject), now=old)))

    async def settle(self, tenant: TenantId, mark: IdempotencyMark, subject: str) -> str:
        values = (tenant, mark.key, mark.digest, subject)
        row = await self.writer.do(lambda connection: _one(connection, SETTLE, values))
        return subject_of(mark, row) if row else subject


def forget(connection: sqlite3.Connection, now: datetime) -> None:
    """Drops some marks whose time is over."""
    connection.execute(_FORGET, forgetting(now))


def _take(connection: sqlite3.Connection, values: Row, now: datetime | None) -> Row:
    if now is not None:
        forget(connection, now)
    return _one(connection, TAKE, values)


def _one(connection: sqlite3.Connection, statement: str, values: Row) -> Row:
    """The row that it returned; empty when it returned none."""
    found = connection.execute(question_marks(statement), values).fetchall()
    return found[0] if found else ()

"""Records of the history into an SQLite file, in the transaction of whatever else its writer has to write."""

# ruff: noqa: S608 - no value in it

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from infrastructure.store.history_rows import HISTORY_COLUMNS
from infrastructure.store.rows import Row
from infrastructure.store.sqlite.writer import SqliteWriter

_SAVE: Final = f"INSERT INTO history ({HISTORY_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_FORGET: Final = "DELETE FROM history WHERE rowid IN (SELECT rowid FROM history WHERE at < ? ORDER BY at LIMIT ?)"


@dataclass(frozen=True, slots=True)
class SqliteHistory:
    writer: SqliteWriter

    async def save(self, rows: Sequence[Row]) -> None:
        await self.writer.do(partial(_save, rows))

    async def forget(self, before: float, limit: int) -> int:
        return await self.writer.do(partial(_forget, before, limit))


def _save(rows: Sequence[Row], connection: sqlite3.Connection) -> None:
    connection.executemany(_SAVE, rows)


def _forget(before: float, limit: int, connection: sqlite3.Connection) -> int:
    return connection.execute(_FORGET, (before, limit)).rowcount

"""The ledger as its writers write it, with what keeps its sums and without, and without waiting for the disk."""

# ruff: noqa: S608 - statements are put together from names of ours

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from typing import Final, Protocol

import asyncpg

from infrastructure.store.rows import Row
from infrastructure.store.usage_rows import USAGE_COLUMNS, USAGE_GIVES_WAY, USAGE_TYPES

_IN_POSTGRES: Final = f"""INSERT INTO usage ({USAGE_COLUMNS})
    SELECT * FROM unnest({", ".join(f"${n}::{kind}[]" for n, kind in enumerate(USAGE_TYPES, 1))}) {USAGE_GIVES_WAY}"""
_IN_SQLITE: Final = f"INSERT INTO usage ({USAGE_COLUMNS}) VALUES ({', '.join('?' for _ in USAGE_TYPES)}) {USAGE_GIVES_WAY}"
_TRIGGERS: Final = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'usage'"


class Ledger(Protocol):
    async def watch(self, is_on: bool) -> None: ...

    async def write(self, rows: Sequence[Row]) -> None: ...

    async def empty(self, table_name: str) -> None: ...


@dataclass(frozen=True)
class _InPostgres:
    connection: asyncpg.Connection

    async def watch(self, is_on: bool) -> None:
        await self.connection.execute(f"ALTER TABLE usage {'ENABLE' if is_on else 'DISABLE'} TRIGGER ALL")

    async def write(self, rows: Sequence[Row]) -> None:
        await self.connection.execute(_IN_POSTGRES, *(list(column) for column in zip(*rows, strict=True)))

    async def empty(self, table_name: str) -> None:
        await self.connection.execute(f"TRUNCATE {table_name}")


@dataclass(frozen=True)
class _InSqlite:
    connection: sqlite3.Connection
    triggers: Sequence[Row]

    async def watch(self, is_on: bool) -> None:
        for name, sql in self.triggers:
            self.connection.execute(f"DROP TRIGGER IF EXISTS {name}")
            if is_on:
                self.connection.execute(sql)

    async def write(self, rows: Sequence[Row]) -> None:
        self.connection.execute("BEGIN IMMEDIATE")
        self.connection.executemany(_IN_SQLITE, rows)
        self.connection.execute("COMMIT")

    async def empty(self, table_name: str) -> None:
        self.connection.execute(f"DELETE FROM {table_name}")


@asynccontextmanager
async def postgres_ledger(url: str) -> AsyncIterator[Ledger]:
    connection = await asyncpg.connect(url, server_settings={"synchronous_commit": "off", "jit": "off"})
    try:
        yield _InPostgres(connection)
    finally:
        await connection.close()


@asynccontextmanager
async def sqlite_ledger(url: str) -> AsyncIterator[Ledger]:
    with closing(opened(url)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        yield _InSqlite(connection, connection.execute(_TRIGGERS).fetchall())


def opened(url: str) -> sqlite3.Connection:
    return sqlite3.connect(url.removeprefix("sqlite:///"), timeout=30, isolation_level=None)

"""Deeds of a process onto the audit trail, in the transaction of whatever else its writer has to write."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import orjson

from infrastructure.store.audit_rows import AUDIT_COLUMNS, Entry, chained
from infrastructure.store.sqlite.writer import SqliteWriter

_ENDS: Final = """SELECT t.value, h.number, h.digest, (SELECT max(a.number) FROM audit a WHERE a.tenant = t.value)
    FROM json_each(?) t LEFT JOIN audit_heads h ON h.tenant = t.value"""
_INSERT: Final = f"INSERT INTO audit ({AUDIT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - no value in it
_MOVE: Final = """INSERT INTO audit_heads (tenant, number, digest) VALUES (?, ?, ?)
    ON CONFLICT (tenant) DO UPDATE SET number = excluded.number, digest = excluded.digest"""


@dataclass(frozen=True, slots=True)
class SqliteDeeds:
    """An `infrastructure.store.audit.Append`."""

    writer: SqliteWriter

    async def __call__(self, entries: Sequence[Entry]) -> None:
        await self.writer.do(partial(_append, entries))


def _append(entries: Sequence[Entry], connection: sqlite3.Connection) -> None:
    tenants = orjson.dumps(sorted({entry.deed.tenant for entry in entries})).decode()
    rows, heads = chained(entries, {tenant: end for tenant, *end in connection.execute(_ENDS, [tenants])})
    connection.executemany(_INSERT, rows)
    connection.executemany(_MOVE, [(tenant, head.number, head.digest) for tenant, head in heads.items()])

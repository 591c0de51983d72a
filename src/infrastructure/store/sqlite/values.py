"""Large values, in the transaction of the rows that refer to them."""

import sqlite3
from collections.abc import Sequence

from infrastructure.store.filling import bodies_of_runs, filled, wanted
from infrastructure.store.large import Values
from infrastructure.store.rows import Row

# A value that is used again says so every ten minutes at most, since its whole row is read for it.
_KEEP = """INSERT INTO blobs AS b (tenant, hash, size_bytes, created_at, body) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET created_at = excluded.created_at WHERE b.created_at < excluded.created_at - 600"""
_USE = "INSERT INTO blob_uses (tenant, hash, thread) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
_FETCH = "SELECT hash, body FROM blobs WHERE tenant = ? AND hash = ?"


def keep(connection: sqlite3.Connection, tenant: str, thread: str, values: Values, at: float) -> None:
    """`at` seconds since the epoch. Nobody sweeps meanwhile: there is one writer."""
    connection.executemany(_KEEP, [(tenant, name, len(value), at, value) for name, value in values.items()])
    connection.executemany(_USE, [(tenant, name, thread) for name in values])


def whole_runs_now(connection: sqlite3.Connection, rows: Sequence[Row], begin: int = 0) -> Sequence[Row]:
    """As `whole_runs`, on the writer's thread."""
    columns = bodies_of_runs(begin)
    if not wanted(rows, columns):
        return rows
    return [one for row in rows for one in filled([row], columns, _values_of(connection, row, columns, begin))]


def _values_of(connection: sqlite3.Connection, row: Row, columns: Sequence[int], begin: int) -> Values:
    found = [connection.execute(_FETCH, (row[begin + 1], name)).fetchone() for name in wanted([row], columns)]
    return dict(pair for pair in found if pair is not None)

"""Which refusals of a database say that it is not the one that our statements are for: a table or a column is gone, or is another."""

import sqlite3
from typing import Final

from domain.errors import DatabaseUnusable

_STATES: Final = frozenset({"42P01", "42703", "42883", "42804", "42P10"})
"""Of PostgreSQL: no such table, column or operator, another type, no such key."""
_SAID: Final = ("no such table", "no such column", "has no column named", "does not match any PRIMARY KEY or UNIQUE")
"""By SQLite, which has one code for all of these."""
REMEDY: Final = "restore it from a backup, or name another database with --database or WEFT_DATABASE_URL"


def is_of_another_shape(error: BaseException) -> bool:
    if isinstance(error, sqlite3.OperationalError):
        return any(said in str(error) for said in _SAID)
    return getattr(error, "sqlstate", None) in _STATES


def unusable(where: str, error: BaseException) -> DatabaseUnusable:
    """`where`: the file, or the server."""
    return DatabaseUnusable(f"{where} lacks what Weft had made there ({error}): {REMEDY}")

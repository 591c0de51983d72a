"""Records of the history into PostgreSQL, a batch in one statement."""

# ruff: noqa: S608 - no value in it

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from infrastructure.store.history_rows import HISTORY_COLUMNS
from infrastructure.store.postgres.connections import PostgresReader
from infrastructure.store.rows import Row

_TYPES: Final = ("text", "float8", *("text",) * 7, "bytea")
_ROWS: Final = ", ".join(f"${place}::{kind}[]" for place, kind in enumerate(_TYPES, 1))
_SAVE: Final = f"INSERT INTO history ({HISTORY_COLUMNS}) SELECT * FROM unnest({_ROWS}) ON CONFLICT DO NOTHING"
_FORGET: Final = """DELETE FROM history WHERE ctid IN (SELECT ctid FROM history WHERE at < $1 ORDER BY at LIMIT $2) RETURNING 1"""


@dataclass(frozen=True, slots=True)
class PostgresHistory:
    database: PostgresReader

    async def save(self, rows: Sequence[Row]) -> None:
        await self.database.rows(_SAVE, *map(list, zip(*rows, strict=True)))

    async def forget(self, before: float, limit: int) -> int:
        return len(await self.database.rows(_FORGET, before, limit))

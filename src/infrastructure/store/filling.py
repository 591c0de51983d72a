"""Rows as they are read: with the large values that they refer to. Most refer to none, which is one look at each body."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from infrastructure.store.large import has_references, references, together
from infrastructure.store.reader import Reader
from infrastructure.store.rows import RUN_COLUMNS, Row

Fetch: TypeAlias = Callable[[str, Collection[str]], Awaitable[Mapping[str, bytes]]]
"""Those of a tenant's values that are there, by hash."""
_ASKED: Final = RUN_COLUMNS.split(", ").index("asked")
_FETCH: Final = "SELECT hash, body FROM blobs WHERE tenant = $1 AND hash IN {members:$2}"


@dataclass(frozen=True, slots=True)
class LargeValues:
    """A `Fetch`."""

    reader: Reader

    async def __call__(self, tenant: str, names: Collection[str]) -> Mapping[str, bytes]:
        statement = self.reader.dialect.spell(_FETCH)
        rows = await self.reader.rows(statement, tenant, self.reader.members(list(names)))
        return {row[0]: row[1] for row in rows}


async def whole(fetch: Fetch, tenant: str, rows: Sequence[Row], *columns: int) -> Sequence[Row]:
    """Rows of one tenant as they were before their values were taken out."""
    names = wanted(rows, columns)
    return filled(rows, columns, await fetch(tenant, names)) if names else rows


async def whole_runs(fetch: Fetch, rows: Sequence[Row], begin: int = 0) -> Sequence[Row]:
    """Rows of any tenants that have `RUN_COLUMNS` from column `begin` on; some may have no run there."""
    columns = bodies_of_runs(begin)
    if not wanted(rows, columns):
        return rows
    return [one for row in rows for one in await whole(fetch, row[begin + 1], [row], *columns)]


def bodies_of_runs(begin: int = 0) -> tuple[int, int]:
    """What of `RUN_COLUMNS` may have references, where they begin at this column."""
    return begin + _ASKED, begin + _ASKED + 1


def wanted(rows: Iterable[Row], columns: Sequence[int]) -> set[str]:
    """Values that these columns of the rows refer to."""
    bodies = [row[column] for row in rows for column in columns if has_references(row[column])]
    return set().union(*map(references, bodies)) if bodies else set()


def filled(rows: Iterable[Row], columns: Sequence[int], values: Mapping[str, bytes]) -> list[Row]:
    return [
        [together(cell, values) if number in columns and has_references(cell) else cell for number, cell in enumerate(row)] for row in rows
    ]

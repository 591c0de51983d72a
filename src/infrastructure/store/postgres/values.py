"""Large values, kept in the statement that writes the rows which refer to them."""

# ruff: noqa: S608 - statements are put together from names that stand in this folder; values are parameters

from collections.abc import Iterable, Sequence
from typing import Final

from infrastructure.store.batch import Group
from infrastructure.store.large import Values

VALUES_WIDTH: Final = 3


def keeping_of(rows: str, at: str) -> str:
    """The part of a statement that keeps values for those of `rows` (with number, tenant, thread) that are written. Its parameters: the
    rows' numbers, hashes, values.

    Each use says anew when it was, also of a value that is there: who sweeps it looks at that time again once the lock on it is free. Only
    then the use is written. Values are locked in one order."""
    return f""", large AS (
    SELECT DISTINCT ON (p.tenant, v.hash) p.tenant, v.hash, p.{at} AS at, v.body
    FROM unnest({{0}}::bigint[], {{1}}::text[], {{2}}::bytea[]) AS v(number, hash, body) JOIN {rows} p USING (number)
    ORDER BY p.tenant, v.hash
), stored AS (
    INSERT INTO blobs AS b (tenant, hash, size_bytes, created_at, body)
    SELECT tenant, hash, length(body), at, body FROM large ORDER BY tenant, hash
    ON CONFLICT (tenant, hash) DO UPDATE SET created_at = greatest(b.created_at, excluded.created_at)
    RETURNING b.tenant, b.hash
), used AS (
    INSERT INTO blob_uses (tenant, hash, thread)
    SELECT DISTINCT s.tenant, s.hash, p.thread
    FROM stored s JOIN unnest({{0}}::bigint[], {{1}}::text[]) AS v(number, hash) USING (hash) JOIN {rows} p USING (number)
    WHERE p.tenant = s.tenant
    ON CONFLICT DO NOTHING
)"""


def columns(rows: Sequence[Sequence[object]], width: int) -> Sequence[list[object]]:
    """As `unnest` wants them: a list for each column."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]


def large_values(found: Iterable[tuple[int, Values]]) -> Sequence[list[object]]:
    """The parameters, from the numbers of the rows and their values."""
    return columns([(number, name, value) for number, values in found for name, value in values.items()], VALUES_WIDTH)


def values_of(groups: Sequence[Group]) -> Sequence[list[object]]:
    """The parameters of a batch of appends."""
    found = ((number, unit.apart) for number, group in enumerate(groups, 1) for unit in group.units)
    return large_values((number, apart.values) for number, apart in found if apart is not None)

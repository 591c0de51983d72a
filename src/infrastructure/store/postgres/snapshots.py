"""Snapshots, kept in the statement that writes the rows they are of."""

# ruff: noqa: S608 - statements are put together from names that stand in this folder; values are parameters

from collections.abc import Sequence
from typing import Final

from infrastructure.store.batch import Group
from infrastructure.store.postgres.values import columns
from infrastructure.store.snapshot_rows import COLUMNS, snapshot_row

_TYPES: Final = ["text", "text", "text", "bigint", "text", "float8", "float8", "bigint", "text", "bytea", "bytea"]
SNAPSHOTS_WIDTH: Final = 1 + len(_TYPES)
SNAPSHOTS: Final = f""", snapped AS (
    INSERT INTO snapshots ({COLUMNS})
    SELECT {", ".join("s." + name for name in COLUMNS.split(", "))}
    FROM unnest({{0}}::bigint[], {", ".join(f"{{{n}}}::{kind}[]" for n, kind in enumerate(_TYPES, 1))})
        AS s(number, {COLUMNS}) JOIN passed USING (number)
    ON CONFLICT DO NOTHING
)"""


def snapshots_of(groups: Sequence[Group]) -> Sequence[list[object]]:
    """The parameters of a batch of appends."""
    found = ((number, unit.append.snapshots) for number, group in enumerate(groups, 1) for unit in group.units)
    return columns([(number, *snapshot_row(one)) for number, taken in found for one in taken], SNAPSHOTS_WIDTH)

"""Many rows in one statement.

sqlite3 gives up the interpreter's lock for every step of a statement and has to wait for it again; a statement of many rows is one step.
Sizes are powers of two, so that a few statements, prepared once, fit any number: what is left over is filled with rows of NULLs.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from infrastructure.store.rows import Row

LARGEST: Final = 256


def execute_in_portions(connection: sqlite3.Connection, statement: str, width: int, values: Sequence[object]) -> int:
    """`statement` has one `{rows}`, which becomes `(?, ?), (?, ?), ...`; `values` are its rows of `width`, one after the other. It must
    pass over rows of NULLs. How many rows it changed."""
    changed = 0
    for rows, portion in _portions(width, values):
        changed += connection.execute(_spelled(statement, width, rows), portion).rowcount
    return changed


def fetch_in_portions(connection: sqlite3.Connection, statement: str, width: int, values: Sequence[object]) -> list[Row]:
    """As above, for a statement that answers; in no certain order."""
    found: list[Row] = []
    for rows, portion in _portions(width, values):
        found += connection.execute(_spelled(statement, width, rows), portion).fetchall()
    return found


def _portions(width: int, values: Sequence[object]) -> Iterator[tuple[int, Sequence[object]]]:
    for begin in range(0, len(values), LARGEST * width):
        portion = values[begin : begin + LARGEST * width]
        rows = len(portion) // width
        size = 1 << (rows - 1).bit_length()
        yield size, [*portion, *[None] * ((size - rows) * width)]


@lru_cache(maxsize=64)
def _spelled(statement: str, width: int, rows: int) -> str:
    row = f"({', '.join('?' * width)})"
    return statement.format(rows=", ".join([row] * rows))

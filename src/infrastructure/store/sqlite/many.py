"""Many rows in few statements.

sqlite3 gives up the interpreter's lock for every step of a statement and has to wait for it again; a statement of many rows is one step.
Sizes are powers of two, so that a few statements, prepared once, fit any number.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

LARGEST: Final = 64


def execute_in_portions(connection: sqlite3.Connection, statement: str, width: int, values: Sequence[object]) -> int:
    """`statement` has one `{rows}`, which becomes `(?, ?), (?, ?), ...`; `values` are its rows of `width`, one after the other. How many
    rows it changed."""
    changed = 0
    for rows, portion in _portions(width, values):
        changed += connection.execute(_spelled(statement, width, rows), portion).rowcount
    return changed


def _portions(width: int, values: Sequence[object]) -> Iterator[tuple[int, Sequence[object]]]:
    begin, left = 0, len(values) // width
    size = LARGEST
    while left:
        while size > left:
            size //= 2
        end = begin + size * width
        yield size, values[begin:end]
        begin, left = end, left - size


@lru_cache(maxsize=64)
def _spelled(statement: str, width: int, rows: int) -> str:
    row = f"({', '.join('?' * width)})"
    return statement.format(rows=", ".join([row] * rows))

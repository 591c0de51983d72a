"""Cutting a list into pages."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from domain.ports.repositories import Page
from infrastructure.store.cursor import pack, unpack

T = TypeVar("T")


def page(rows: Iterable[T], key: Callable[[T], tuple[str, str]], limit: int, cursor: str | None, *, newest_first: bool = False) -> Page[T]:
    """Up to `limit` rows behind the cursor, in the order of `key`, which no two rows share. Times in a key are ISO 8601 in UTC."""
    ordered = sorted(rows, key=key, reverse=newest_first)
    if cursor is not None:
        last = unpack(cursor, 2)
        ordered = [row for row in ordered if (key(row) < last if newest_first else key(row) > last)]
    found = tuple(ordered[:limit])
    return Page(found, pack(key(found[-1])) if found and len(ordered) > limit else None)

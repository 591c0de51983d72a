"""Pages of a sorted selection: behind the cursor, one row more than asked, and the cursor of the last one shown."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from sqlalchemy import Column, Select, tuple_

from domain.errors import ValidationError
from domain.ports.repositories import Page
from infrastructure.store.cursor import pack, unpack
from infrastructure.store.rows import Row

T = TypeVar("T")


def newest_first(
    query: Select[tuple[object, ...]], created_at: Column[float], key: Column[str], limit: int, cursor: str | None
) -> Select[tuple[object, ...]]:
    if cursor is not None:
        at, last = unpack(cursor, 2)
        query = query.where(tuple_(created_at, key) < (_number(at), last))
    return query.order_by(created_at.desc(), key.desc()).limit(limit + 1)


def by_name(query: Select[tuple[object, ...]], name: Column[str], limit: int, cursor: str | None) -> Select[tuple[object, ...]]:
    if cursor is not None:
        query = query.where(name > unpack(cursor, 1)[0])
    return query.order_by(name).limit(limit + 1)


def page(rows: Sequence[Row], limit: int, item: Callable[[Row], T], keys: Callable[[Row], Sequence[object]]) -> Page[T]:
    """`keys`: what the cursor keeps of the last row."""
    shown = rows[:limit]
    more = len(rows) > limit and shown
    return Page(tuple(item(row) for row in shown), pack([str(key) for key in keys(shown[-1])]) if more else None)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise ValidationError("this cursor is not one that this list gave out: leave it away to start from the first page") from error

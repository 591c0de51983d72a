"""What is remembered across threads."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, delete, func, or_, select, tuple_, update

from domain.errors import ItemChanged
from domain.ids import TenantId
from domain.item import SEPARATOR, Item, Namespace
from domain.ports.items import ItemFilter
from domain.ports.repositories import Page
from infrastructure.store.cursor import pack, unpack
from infrastructure.store.item_rows import fits, item_of, item_values, joined, no_item, succeeding, words_of
from infrastructure.store.rows import Row, seconds
from infrastructure.store.sql.database import Database
from infrastructure.store.thread_tables import items

TRIES: Final = 20
LOOKED_AT: Final = 400
"""Items read for one page at most when there are conditions, which the database does not know."""
_BEHIND_SEPARATOR: Final = chr(ord(SEPARATOR) + 1)


@dataclass(frozen=True, slots=True)
class KeptItems:
    database: Database

    async def put(self, item: Item, expected: int | None = None) -> Item:
        """Written only over the very row that was looked at; who finds another there looks again."""
        for _ in range(TRIES):
            row = await self._row(item.tenant, item.namespace, item.key)
            kept = succeeding(item, None if row is None else item_of(row), expected)
            if await self._write(kept, row):
                return kept
        raise ItemChanged(f"{joined(item.namespace)}/{item.key} is written again and again by others: try again later")

    async def get(self, tenant: TenantId, namespace: Namespace, key: str, now: datetime) -> Item:
        row = await self._row(tenant, namespace, key)
        found = None if row is None else item_of(row)
        if found is None or found.is_expired(now):
            raise no_item(namespace, key)
        return found

    async def delete(self, tenant: TenantId, namespace: Namespace, key: str, now: datetime) -> None:
        if not await self.database.change(delete(items).where(*_is(tenant, namespace, key), _lives(now))):
            raise no_item(namespace, key)

    async def search(self, tenant: TenantId, wanted: ItemFilter, now: datetime, limit: int, cursor: str | None) -> Page[Item]:
        most = LOOKED_AT if wanted.conditions else limit
        query = select(items).where(items.c.tenant == tenant, _lives(now), *_narrowed(wanted))
        if cursor is not None:
            query = query.where(tuple_(items.c.namespace, items.c.key) > unpack(cursor, 2))
        rows = await self.database.rows(query.order_by(items.c.namespace, items.c.key).limit(most + 1))
        seen = [item_of(row) for row in rows[:most]]
        found = [item for item in seen if fits(item, wanted)]
        if len(found) > limit:
            return Page(tuple(found[:limit]), _cursor(found[limit - 1]))
        return Page(tuple(found), _cursor(seen[-1]) if len(rows) > most else None)

    async def forget(self, expired_before: datetime, limit: int) -> int:
        key = (items.c.tenant, items.c.namespace, items.c.key)
        before = items.c.expires_at < seconds(expired_before)
        old = select(*key).where(before).order_by(items.c.expires_at).limit(limit)
        # Asked again in the delete: one that was written meanwhile stays.
        return await self.database.change(delete(items).where(tuple_(*key).in_(old), before))

    async def _row(self, tenant: TenantId, namespace: Namespace, key: str) -> Row | None:
        rows = await self.database.rows(select(items).where(*_is(tenant, namespace, key)))
        return rows[0] if rows else None

    async def _write(self, item: Item, over: Row | None) -> bool:
        if over is None:
            return bool(await self.database.change(self.database.insert(items).values(item_values(item)).on_conflict_do_nothing()))
        same = (*_is(item.tenant, item.namespace, item.key), items.c.body == over[6])
        return bool(await self.database.change(update(items).where(*same).values(item_values(item))))


def _is(tenant: TenantId, namespace: Namespace, key: str) -> tuple[ColumnElement[bool], ...]:
    return items.c.tenant == tenant, items.c.namespace == joined(namespace), items.c.key == key


def _lives(now: datetime) -> ColumnElement[bool]:
    return or_(items.c.expires_at.is_(None), items.c.expires_at > seconds(now))


def _narrowed(wanted: ItemFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.prefix:
        whole = joined(wanted.prefix)
        inner = (items.c.namespace > whole + SEPARATOR) & (items.c.namespace < whole + _BEHIND_SEPARATOR)
        yield or_(items.c.namespace == whole, inner)
    for word in words_of(wanted):
        # Not LIKE: it has signs of its own, and SQLite's folds ASCII only.
        yield func.replace(items.c.words, word, "") != items.c.words


def _cursor(item: Item) -> str:
    return pack([joined(item.namespace), item.key])

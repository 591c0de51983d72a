"""What is remembered across threads. Each call is its own transaction; another tenant's item does not exist, nor one that has expired."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.ids import TenantId
from domain.item import Condition, Item, Namespace
from domain.ports.repositories import Page


@dataclass(frozen=True, slots=True)
class ItemFilter:
    """`prefix`: the namespace or the first names of it, `()` for all. `text`: each of its words is somewhere in the value's texts,
    whatever the case. All of `conditions` hold."""

    prefix: Namespace = ()
    text: str = ""
    conditions: tuple[Condition, ...] = ()


class Items(Protocol):
    async def put(self, item: Item, expected: int | None = None) -> Item:
        """Keep it in place of what has its key; what was kept, with its `version` and the `created_at` of the first write.

        `expected`: the version that must be there, 0 for none. `ItemChanged` when another is, and nothing is written. `item.updated_at`
        is now.
        """

    async def get(self, tenant: TenantId, namespace: Namespace, key: str, now: datetime) -> Item:
        """`ItemNotFound` when there is none."""

    async def delete(self, tenant: TenantId, namespace: Namespace, key: str, now: datetime) -> None:
        """`ItemNotFound` when there is none."""

    async def search(self, tenant: TenantId, wanted: ItemFilter, now: datetime, limit: int, cursor: str | None) -> Page[Item]:
        """By namespace and key. Many that do not fit may end a page early: go on while there is a cursor."""

    async def forget(self, expired_before: datetime, limit: int) -> int:
        """Remove up to `limit` of all tenants that expired before then. How many there were; fewer than `limit`: none is left."""

"""Threads, the usage ledger and API keys."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, insert, select

from domain.access import ApiKey, Role
from domain.errors import KeyNotFound
from domain.graph.flow import Priority
from domain.ids import KeyId, Position, RunId, TenantId, ThreadId
from domain.ports.repositories import Page
from domain.thread import Thread, ThreadMetadata, ThreadType
from domain.usage import UsageRow
from infrastructure.store.codec import plain
from infrastructure.store.rows import USAGE_COLUMNS, Row, moment, seconds, usage_of, usage_row
from infrastructure.store.sql.database import Database
from infrastructure.store.sql.pages import newest_first, page
from infrastructure.store.starting import no_thread, thread_body
from infrastructure.store.tables import api_keys, heads, threads, usage

_USAGE = USAGE_COLUMNS.split(", ")


@dataclass(frozen=True, slots=True)
class KeptThreads:
    database: Database

    async def add(self, thread: Thread) -> None:
        """The head goes first: a thread that can be seen has a journal."""
        head = {"thread": thread.id, "tenant": thread.tenant, "epoch": 0, "position": thread.parent_position}
        row = {
            "id": thread.id,
            "tenant": thread.tenant,
            "created_at": seconds(thread.created_at),
            "thread_type": thread.thread_type.value,
            "body": thread_body(thread),
            "session": thread.session,
            "parent": thread.parent,
            "parent_position": None if thread.parent is None else thread.parent_position,
            "line": thread.line,
        }
        await self.database.change(self.database.insert(heads).values(head).on_conflict_do_nothing())
        await self.database.change(self.database.insert(threads).values(row).on_conflict_do_nothing())

    async def get(self, tenant: TenantId, thread: ThreadId) -> Thread:
        rows = await self.database.rows(select(threads).where(threads.c.id == thread, threads.c.tenant == tenant))
        if not rows:
            raise no_thread(thread)
        return _thread_of(rows[0])

    async def list(self, tenant: TenantId, limit: int, cursor: str | None) -> Page[Thread]:
        query = newest_first(select(threads).where(threads.c.tenant == tenant), threads.c.created_at, threads.c.id, limit, cursor)
        return page(await self.database.rows(query), limit, _thread_of, lambda row: (repr(row[2]), row[0]))


@dataclass(frozen=True, slots=True)
class KeptUsage:
    database: Database

    async def count(self, rows: Sequence[UsageRow]) -> None:
        if rows:
            lines = [dict(zip(_USAGE, usage_row(row), strict=True)) for row in rows]
            await self.database.change(self.database.insert(usage).values(lines).on_conflict_do_nothing())

    async def of_run(self, tenant: TenantId, run: RunId) -> Sequence[UsageRow]:
        query = select(*(usage.c[name] for name in _USAGE)).where(usage.c.run == run, usage.c.tenant == tenant).order_by(usage.c.number)
        return [usage_of(row) for row in await self.database.rows(query)]


@dataclass(frozen=True, slots=True)
class KeptKeys:
    database: Database

    async def add(self, key: ApiKey) -> None:
        row = {
            "id": key.id,
            "tenant": key.tenant,
            "role": key.role.value,
            "digest": key.digest,
            "name": key.name,
            "created_at": seconds(key.created_at),
        }
        await self.database.change(insert(api_keys).values(row))

    async def by_digest(self, digest: str) -> ApiKey | None:
        rows = await self.database.rows(select(api_keys).where(api_keys.c.digest == digest))
        return _key_of(rows[0]) if rows else None

    async def list(self, tenant: TenantId) -> Sequence[ApiKey]:
        query = select(api_keys).where(api_keys.c.tenant == tenant).order_by(api_keys.c.created_at, api_keys.c.id)
        return [_key_of(row) for row in await self.database.rows(query)]

    async def remove(self, tenant: TenantId, key: KeyId) -> None:
        if not await self.database.change(delete(api_keys).where(api_keys.c.id == key, api_keys.c.tenant == tenant)):
            raise KeyNotFound(f"there is no key {key}")


def _thread_of(row: Row) -> Thread:
    thread, tenant, created_at, thread_type, body, session, parent, parent_position, _ = row
    said = plain(body)
    about = said["metadata"]
    priority = None if about.get("priority") is None else Priority(about["priority"])
    return Thread(
        thread,
        tenant,
        moment(created_at),
        ThreadType(thread_type),
        ThreadMetadata(about["name"], about["description"], priority),
        said["labels"],
        session,
        parent,
        Position(parent_position or 0),
    )


def _key_of(row: Row) -> ApiKey:
    key, tenant, role, digest, name, created_at = row
    return ApiKey(key, tenant, Role(role), digest, name, moment(created_at))

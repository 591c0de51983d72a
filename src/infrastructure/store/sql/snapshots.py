"""Snapshots of threads, kept."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, literal, or_, select

from domain.errors import SnapshotNotFound
from domain.ids import SnapshotId, TenantId, ThreadId
from domain.ports.repositories import Page
from domain.ports.snapshots import SnapshotFilter
from domain.snapshot import ThreadSnapshot
from infrastructure.store.rows import seconds
from infrastructure.store.snapshot_rows import line_of, snapshot_of, snapshot_values
from infrastructure.store.sql.database import Database
from infrastructure.store.sql.pages import newest_first, page
from infrastructure.store.starting import no_thread
from infrastructure.store.tables import threads
from infrastructure.store.thread_tables import snapshots

_WITHOUT_BODY = [column if column.name != "body" else literal(b"").label("body") for column in snapshots.c]


@dataclass(frozen=True, slots=True)
class KeptSnapshots:
    database: Database

    async def add(self, snapshot: ThreadSnapshot) -> None:
        there = select(threads.c.id).where(threads.c.id == snapshot.thread, threads.c.tenant == snapshot.tenant)
        # Held in the same transaction: what forgets a thread forgets its snapshots, or is waited for.
        async with self.database.transaction() as connection:
            if (await connection.execute(there.with_for_update(read=True))).first() is None:
                raise no_thread(snapshot.thread)
            await connection.execute(self.database.insert(snapshots).values(snapshot_values(snapshot)).on_conflict_do_nothing())

    async def get(self, tenant: TenantId, thread: ThreadId, snapshot: SnapshotId) -> ThreadSnapshot:
        rows = await self.database.rows(select(snapshots).where(*_is(tenant, thread, snapshot)))
        if not rows:
            raise no_snapshot(snapshot)
        return snapshot_of(rows[0])

    async def list(
        self, tenant: TenantId, thread: ThreadId, wanted: SnapshotFilter, limit: int, cursor: str | None
    ) -> Page[ThreadSnapshot]:
        query = select(*_WITHOUT_BODY).where(snapshots.c.thread == thread, snapshots.c.tenant == tenant, *_conditions(wanted))
        rows = await self.database.rows(newest_first(query, snapshots.c.created_at, snapshots.c.id, limit, cursor))
        return page(rows, limit, snapshot_of, lambda row: (repr(row[5]), row[0]))

    async def remove(self, tenant: TenantId, thread: ThreadId, snapshot: SnapshotId) -> None:
        if not await self.database.change(delete(snapshots).where(*_is(tenant, thread, snapshot))):
            raise no_snapshot(snapshot)

    async def forget(self, expired_before: datetime, limit: int) -> int:
        old = select(snapshots.c.id).where(snapshots.c.expires_at < seconds(expired_before)).order_by(snapshots.c.expires_at).limit(limit)
        return await self.database.change(delete(snapshots).where(snapshots.c.id.in_(old)))


def _is(tenant: TenantId, thread: ThreadId, snapshot: SnapshotId) -> tuple[ColumnElement[bool], ...]:
    return snapshots.c.id == snapshot, snapshots.c.tenant == tenant, snapshots.c.thread == thread


def _conditions(wanted: SnapshotFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.tag is not None:
        # Not LIKE: SQLite's takes upper and lower case for the same.
        found.append(func.replace(snapshots.c.tags, line_of(wanted.tag), "") != snapshots.c.tags)
    if wanted.checkpoint_type is not None:
        found.append(snapshots.c.kind == wanted.checkpoint_type.value)
    if wanted.unexpired_at is not None:
        found.append(or_(snapshots.c.expires_at.is_(None), snapshots.c.expires_at > seconds(wanted.unexpired_at)))
    return found


def no_snapshot(snapshot: SnapshotId) -> SnapshotNotFound:
    return SnapshotNotFound(f"there is no snapshot {snapshot} of this thread")

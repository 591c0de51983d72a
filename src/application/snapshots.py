"""Snapshots: what a thread held at a position, kept under a name, to be looked at and restored."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import structlog
from pydantic import JsonValue

from application.edit_orders import EditView, RestoreSnapshotOrder
from application.editing import RestoreThread
from application.names import id_or
from application.once import Once, digest_of
from application.paging import shown
from application.past import Past
from application.snapshot_orders import SnapshotListOrder, SnapshotOrder
from application.snapshotting import packed, unpacked
from application.views import PageView, View, json_object
from domain.access import Principal, Role
from domain.errors import SnapshotExpired, SnapshotNotFound, ThreadNotFound
from domain.ids import NewId, Position, SnapshotId, ThreadId
from domain.ports.clock import Clock
from domain.ports.repositories import Threads
from domain.ports.snapshots import SnapshotFilter, Snapshots
from domain.snapshot import CheckpointType, SnapshotMetadata, ThreadSnapshot

log = structlog.get_logger("application.snapshots")


class SnapshotListItem(View):
    """`type`: what made it. `by`: who, or which run. `size_bytes`: of its values as they are stored."""

    id: str
    thread_id: str
    position: int
    type: CheckpointType
    name: str
    description: str
    tags: list[str]
    size_bytes: int
    by: str
    created_at: datetime
    expires_at: datetime | None

    @classmethod
    def of(cls, snapshot: ThreadSnapshot) -> "SnapshotListItem":
        return cls(**_told(snapshot))


class SnapshotView(SnapshotListItem):
    """`values`: channel -> value."""

    values: dict[str, JsonValue]

    @classmethod
    def of(cls, snapshot: ThreadSnapshot) -> "SnapshotView":
        return cls(**_told(snapshot), values=json_object(unpacked(snapshot.data)))


def _told(snapshot: ThreadSnapshot) -> dict[str, object]:
    about = snapshot.metadata
    return {
        "id": snapshot.id,
        "thread_id": snapshot.thread,
        "position": snapshot.position,
        "type": snapshot.checkpoint_type,
        "name": about.name,
        "description": about.description,
        "tags": list(about.tags),
        "size_bytes": about.size_bytes,
        "by": snapshot.by,
        "created_at": snapshot.created_at,
        "expires_at": snapshot.expires_at,
    }


@dataclass(frozen=True, slots=True)
class SnapshotDesk:
    """One that has expired is `SnapshotExpired` until it is swept, and then `SnapshotNotFound`."""

    snapshots: Snapshots
    threads: Threads
    past: Past
    restoring: RestoreThread
    once: Once
    new_id: NewId
    clock: Clock

    async def take(self, who: Principal, thread: str, order: SnapshotOrder, key: str | None = None) -> SnapshotView:
        """Also while a run is under way: what the thread held at a position does not change any more."""
        who.must_be(Role.OPERATOR)
        found, now = ThreadId(id_or(ThreadNotFound, thread)), self.clock.now()
        moment = await self.past.at(who.tenant, found, None if order.at is None else Position(order.at))
        data = packed(moment.values)
        about = SnapshotMetadata(order.name, order.description, tuple(dict.fromkeys(order.tags)), len(data))
        identity = SnapshotId(self.new_id())
        taken = ThreadSnapshot(identity, who.tenant, found, moment.position, now, who.name, data, metadata=about, expires_at=order.end(now))
        if key is not None:
            named = await self.once.named(who, key, digest_of(f"snapshot {found}", order.model_dump(mode="json")), identity)
            taken = replace(taken, id=SnapshotId(named))
        await self.snapshots.add(taken)
        return SnapshotView.of(await self.snapshots.get(who.tenant, found, taken.id))

    async def list(self, who: Principal, thread: str, order: SnapshotListOrder) -> PageView[SnapshotListItem]:
        """Newest first, without those that have expired."""
        who.must_be(Role.VIEWER)
        found = (await self.threads.get(who.tenant, ThreadId(id_or(ThreadNotFound, thread)))).id
        wanted = SnapshotFilter(order.tag, order.type, self.clock.now())
        return shown(await self.snapshots.list(who.tenant, found, wanted, order.limit, order.cursor), SnapshotListItem.of)

    async def get(self, who: Principal, thread: str, snapshot: str) -> SnapshotView:
        who.must_be(Role.VIEWER)
        return SnapshotView.of(await self.find(who, thread, snapshot))

    async def remove(self, who: Principal, thread: str, snapshot: str) -> None:
        who.must_be(Role.OPERATOR)
        await self.snapshots.remove(who.tenant, *_named(thread, snapshot))

    async def restore(self, who: Principal, thread: str, snapshot: str, order: RestoreSnapshotOrder, key: str | None = None) -> EditView:
        """As restoring to its position, also when the rows up to there are gone."""
        who.must_be(Role.OPERATOR)
        found = await self.find(who, thread, snapshot)
        digest = digest_of(f"restore {found.thread} {found.id}", order.model_dump(mode="json"))
        values = unpacked(found.data)
        return await self.restoring.to(
            who, found.thread, found.position, values, order.expected_position, order.reason, key=key, digest=digest, snapshot=found.id
        )

    async def find(self, who: Principal, thread: str, snapshot: str) -> ThreadSnapshot:
        found = await self.snapshots.get(who.tenant, *_named(thread, snapshot))
        if found.expires_at is not None and found.is_expired(self.clock.now()):
            raise SnapshotExpired(f"snapshot {snapshot} expired at {found.expires_at.isoformat()}: it can no longer be restored")
        return found


def _named(thread: str, snapshot: str) -> tuple[ThreadId, SnapshotId]:
    return ThreadId(id_or(ThreadNotFound, thread)), SnapshotId(id_or(SnapshotNotFound, snapshot))


BATCH: Final = 200
PAUSE_SECONDS: Final = 0.2
REST_SECONDS: Final = 600.0
KNOWN_SECONDS: Final = 86_400.0
"""So long an expired snapshot is still known, so that who asks for it hears that it has expired, not that it never was."""


@dataclass(frozen=True, slots=True)
class ForgetSnapshots:
    """A chore."""

    snapshots: Snapshots
    clock: Clock
    name: str = "snapshots"

    async def turn(self) -> float:
        gone = await self.snapshots.forget(self.clock.now() - timedelta(seconds=KNOWN_SECONDS), BATCH)
        if gone:
            log.info("snapshots forgotten", snapshots=gone)
        return PAUSE_SECONDS if gone == BATCH else REST_SECONDS

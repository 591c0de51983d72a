"""Snapshots of threads. Each call is its own transaction; those that a run takes by itself come with its rows (`Append.snapshots`)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.ids import SnapshotId, TenantId, ThreadId
from domain.ports.repositories import Page
from domain.snapshot import CheckpointType, ThreadSnapshot


@dataclass(frozen=True, slots=True)
class SnapshotFilter:
    """`unexpired_at`: only those that may still be restored then. None: whichever."""

    tag: str | None = None
    checkpoint_type: CheckpointType | None = None
    unexpired_at: datetime | None = None


class Snapshots(Protocol):
    """Another tenant's snapshot does not exist, nor one of another thread."""

    async def add(self, snapshot: ThreadSnapshot) -> None:
        """Keep a new one. One that is there stays as it is. `ThreadNotFound` when its thread is not there."""

    async def get(self, tenant: TenantId, thread: ThreadId, snapshot: SnapshotId) -> ThreadSnapshot:
        """Also one that has expired, as long as nobody swept it. `SnapshotNotFound` when there is none."""

    async def list(
        self, tenant: TenantId, thread: ThreadId, wanted: SnapshotFilter, limit: int, cursor: str | None
    ) -> Page[ThreadSnapshot]:
        """Newest first, and without their `data`."""

    async def remove(self, tenant: TenantId, thread: ThreadId, snapshot: SnapshotId) -> None:
        """`SnapshotNotFound` when there is none."""

    async def forget(self, expired_before: datetime, limit: int) -> int:
        """Remove up to `limit` of all tenants that expired before then, the oldest first. How many there were; fewer than `limit`: none is
        left."""

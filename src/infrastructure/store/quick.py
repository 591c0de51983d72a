"""Questions that are asked at every start, or again and again and mostly for nothing: answered without what is imported for the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, cast

from domain.ids import ContentHash, RunId, TenantId, ThreadId, WebhookId
from domain.registered import Revision
from domain.run.run import Run
from domain.thread import Thread
from domain.workflow import WorkflowVersion
from infrastructure.store.cold import Cold
from infrastructure.store.finding import WorkflowReads
from infrastructure.store.hot import Starts
from infrastructure.store.later import Later
from infrastructure.store.reader import Reader
from infrastructure.store.rows import moment, seconds
from infrastructure.store.starting import no_thread
from infrastructure.store.thread_rows import THREAD_COLUMNS, thread_of
from infrastructure.store.usage_rows import ReservedLines

if TYPE_CHECKING:
    from domain.ports.items import Items
    from domain.ports.lanes import Lanes
    from domain.ports.repositories import NewRun, Started
    from domain.ports.snapshots import Snapshots
    from domain.ports.webhooks import DueDeliveries

_THREAD = f"SELECT {THREAD_COLUMNS} FROM threads WHERE id = $1 AND tenant = $2"  # noqa: S608 - no value in it
_REVISION = "SELECT count(*), max(updated_at), sum(updated_at) FROM registered_tools WHERE tenant = $1"


class QuickRuns(Later):
    def __init__(self, starts: Starts, cold: Cold) -> None:
        super().__init__(cold.runs)
        self._starts = starts

    async def start(self, new: NewRun) -> Started:
        return await self._starts.start(new)

    async def get(self, tenant: TenantId, run: RunId) -> Run:
        return await self._starts.get(tenant, run)

    async def unfinished(self, tenant: TenantId, thread: ThreadId) -> Sequence[Run]:
        return await self._starts.unfinished(tenant, thread)


class QuickWorkflows(Later):
    def __init__(self, reads: WorkflowReads, cold: Cold) -> None:
        super().__init__(lambda: cold.workflows(reads.parse))
        self._reads = reads

    async def get(self, tenant: TenantId, name: str, version: str | None = None) -> WorkflowVersion:
        return await self._reads.get(tenant, name, version)

    async def by_hash(self, tenant: TenantId, content: ContentHash) -> WorkflowVersion:
        return await self._reads.by_hash(tenant, content)


class QuickThreads(Later):
    def __init__(self, reader: Reader, starts: Starts, cold: Cold) -> None:
        super().__init__(cold.threads)
        self._reader, self._starts = reader, starts

    async def add(self, thread: Thread) -> None:
        await self._starts.open_thread(thread)

    async def get(self, tenant: TenantId, thread: ThreadId) -> Thread:
        """Asked at every start on a thread that is there."""
        rows = await self._reader.few(_THREAD, thread, tenant)
        if not rows:
            raise no_thread(thread)
        return thread_of(rows[0])


class QuickKeys(Later):
    def __init__(self, reader: Reader, cold: Cold) -> None:
        super().__init__(cold.keys)
        self._reader = reader

    async def any(self) -> bool:
        return bool(await self._reader.rows("SELECT 1 FROM api_keys LIMIT 1"))


class QuickUsage(Later):
    """`reserved` is asked by whoever takes a run over, before it has written a row."""

    def __init__(self, lines: ReservedLines, cold: Cold) -> None:
        super().__init__(cold.usage)
        self.reserved = lines.reserved


class QuickTools(Later):
    def __init__(self, reader: Reader, cold: Cold) -> None:
        super().__init__(cold.registered)
        self._reader = reader

    async def revision(self, tenant: TenantId) -> Revision:
        """Asked again and again while a tenant is at work, mostly for nothing."""
        ((count, newest, total),) = await self._reader.rows(_REVISION, tenant)
        return Revision(count, newest or 0.0, total or 0.0)


class QuickDueSchedules(Later):
    def __init__(self, reader: Reader, cold: Cold) -> None:
        super().__init__(cold.due_schedules)
        self._reader = reader

    async def next_wake(self) -> datetime | None:
        """Asked again and again, mostly for nothing: without what is imported for the rest."""
        (row,) = await self._reader.rows("SELECT min(wake_at) FROM schedules")
        return None if row[0] is None else moment(row[0])


class QuickDueDeliveries(Later):
    def __init__(self, reader: Reader, cold: Cold) -> None:
        super().__init__(cold.due_deliveries)
        self._reader = reader

    async def due(self) -> Mapping[WebhookId, datetime]:
        """Asked again and again, mostly for nothing: a look into the index for each enabled webhook."""
        first = "SELECT min(due_at) FROM webhook_deliveries d WHERE d.webhook = w.id AND due_at IS NOT NULL"
        rows = await self._reader.rows(f"SELECT w.id, ({first}) FROM webhooks w WHERE w.enabled")  # noqa: S608 - no value in it
        return {WebhookId(webhook): moment(due_at) for webhook, due_at in rows if due_at is not None}

    async def forget(self, before: datetime, limit: int) -> int:
        """Asked as soon as a worker starts, mostly for nothing."""
        old = await self._reader.rows("SELECT 1 FROM webhook_deliveries WHERE created_at < $1 LIMIT 1", seconds(before))
        return await cast("DueDeliveries", self.rest()).forget(before, limit) if old else 0


class QuickSnapshots(Later):
    def __init__(self, reader: Reader, cold: Cold) -> None:
        super().__init__(cold.snapshots)
        self._reader = reader

    async def forget(self, expired_before: datetime, limit: int) -> int:
        """Asked as soon as a worker starts, mostly for nothing."""
        old = await self._reader.rows("SELECT 1 FROM snapshots WHERE expires_at < $1 LIMIT 1", seconds(expired_before))
        return await cast("Snapshots", self.rest()).forget(expired_before, limit) if old else 0


class QuickItems(Later):
    def __init__(self, reader: Reader, cold: Cold) -> None:
        super().__init__(cold.items)
        self._reader = reader

    async def forget(self, expired_before: datetime, limit: int) -> int:
        """Asked as soon as a worker starts, mostly for nothing."""
        old = await self._reader.rows("SELECT 1 FROM items WHERE expires_at < $1 LIMIT 1", seconds(expired_before))
        return await cast("Items", self.rest()).forget(expired_before, limit) if old else 0


class QuickLanes(Later):
    """Read before calls of models; written by those that have limits, and what writes is loaded beside the event loop."""

    def __init__(self, reader: Reader, cold: Cold) -> None:
        super().__init__(cold.lanes)
        self._reader = reader

    async def read(self, name: str) -> str | None:
        rows = await self._reader.few("SELECT written FROM model_lanes WHERE name = $1", name)
        return str(rows[0][0]) if rows else None

    async def swap(self, name: str, before: str | None, after: str) -> bool:
        lanes = cast("Lanes", self.rest() if self.is_there else await asyncio.to_thread(self.rest))
        return await lanes.swap(name, before, after)

"""Opening a store by its URL: the schema is brought up to date, then connections are made in order, and closed in reverse."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias, cast

from domain.graph.definition import Graph
from domain.ids import ContentHash, RunId, TenantId, ThreadId, WebhookId
from domain.json import JsonObject
from domain.ports.clock import Clock
from domain.ports.hints import Hints
from domain.run.run import Run
from domain.thread import Thread
from domain.workflow import WorkflowVersion
from infrastructure.store.connections import USUAL, Connections
from infrastructure.store.finding import WorkflowReads
from infrastructure.store.health import SchemaHealth
from infrastructure.store.hot import Hot, OnCommitted, Starts
from infrastructure.store.later import Later
from infrastructure.store.migrate import upgrade
from infrastructure.store.reader import Reader
from infrastructure.store.rows import moment, seconds
from infrastructure.store.starting import no_thread
from infrastructure.store.store import Store
from infrastructure.store.thread_rows import THREAD_COLUMNS, thread_of
from infrastructure.store.urls import driver_dsn, is_memory, is_sqlite, sqlite_path

if TYPE_CHECKING:
    from domain.ports.items import Items
    from domain.ports.repositories import Keys, NewRun, Runs, Started, TemplateShelf, Threads, UsageLedger, Workflows
    from domain.ports.retention import Retention
    from domain.ports.schedules import DueSchedules, Schedules
    from domain.ports.sessions import Sessions
    from domain.ports.snapshots import Snapshots
    from domain.ports.webhooks import Deliveries, DueDeliveries, Webhooks
    from infrastructure.store.sql.database import Database

Parse: TypeAlias = Callable[[JsonObject], Graph]
_THREAD = f"SELECT {THREAD_COLUMNS} FROM threads WHERE id = $1 AND tenant = $2"  # noqa: S608 - no value in it


@asynccontextmanager
async def open_store(
    url: str, *, parse: Parse, clock: Clock, on_committed: OnCommitted, connections: Connections = USUAL, hints: Hints | None = None
) -> AsyncIterator[Store]:
    """`parse` makes the graph of a stored document. `on_committed` hears of each batch: its rows, and the seconds it took. `hints`: None
    for the database's own.

    `DatabaseError` when the database does not answer, or is not one that this version can use.
    """
    if is_memory(url):
        from infrastructure.store.memory import open_memory

        async with open_memory(clock=clock, on_committed=on_committed) as store:
            yield store
        return
    await asyncio.to_thread(upgrade, url)
    async with AsyncExitStack() as closing:
        hot = await closing.enter_async_context(_open_hot(url, connections, clock, on_committed, hints))
        cold = _Cold(url, connections)
        closing.push_async_callback(cold.close)
        yield _store(url, hot, cold, parse)


def _open_hot(
    url: str, connections: Connections, clock: Clock, on_committed: OnCommitted, hints: Hints | None
) -> AbstractAsyncContextManager[Hot]:
    if is_sqlite(url):
        from infrastructure.store.sqlite.open import open_sqlite

        return open_sqlite(sqlite_path(url), clock, on_committed, hints)
    from infrastructure.store.postgres.open import open_postgres

    return open_postgres(driver_dsn(url), connections, clock, on_committed, hints)


def _store(url: str, hot: Hot, cold: _Cold, parse: Parse) -> Store:
    return Store(
        journal=hot.journal,
        queue=hot.queue,
        inbox=hot.inbox,
        runs=cast("Runs", _Runs(hot.starts, cold)),
        marks=hot.marks,
        workflows=cast("Workflows", _Workflows(WorkflowReads(hot.reader, parse), cold)),
        templates=cast("TemplateShelf", Later(cold.templates)),
        threads=cast("Threads", _Threads(hot.reader, hot.starts, cold)),
        usage=cast("UsageLedger", Later(cold.usage)),
        keys=cast("Keys", _Keys(hot.reader, cold)),
        open_renew=hot.open_renew,
        retention=cast("Retention", Later(cold.retention)),
        schedules=cast("Schedules", Later(cold.schedules)),
        due=cast("DueSchedules", _DueSchedules(hot.reader, cold)),
        sessions=cast("Sessions", Later(cold.sessions)),
        webhooks=cast("Webhooks", Later(cold.webhooks)),
        deliveries=cast("Deliveries", Later(cold.deliveries)),
        owed=cast("DueDeliveries", _DueDeliveries(hot.reader, cold)),
        holds=hot.holds,
        snapshots=cast("Snapshots", Later(cold.snapshots)),
        items=cast("Items", _Items(hot.reader, cold)),
        health=SchemaHealth(hot.reader, "sqlite" if is_sqlite(url) else "postgresql"),
    )


class _Runs(Later):
    def __init__(self, starts: Starts, cold: _Cold) -> None:
        super().__init__(cold.runs)
        self._starts = starts

    async def start(self, new: NewRun) -> Started:
        return await self._starts.start(new)

    async def get(self, tenant: TenantId, run: RunId) -> Run:
        return await self._starts.get(tenant, run)

    async def unfinished(self, tenant: TenantId, thread: ThreadId) -> Sequence[Run]:
        return await self._starts.unfinished(tenant, thread)


class _Workflows(Later):
    def __init__(self, reads: WorkflowReads, cold: _Cold) -> None:
        super().__init__(lambda: cold.workflows(reads.parse))
        self._reads = reads

    async def get(self, tenant: TenantId, name: str, version: str | None = None) -> WorkflowVersion:
        return await self._reads.get(tenant, name, version)

    async def by_hash(self, tenant: TenantId, content: ContentHash) -> WorkflowVersion:
        return await self._reads.by_hash(tenant, content)


class _Threads(Later):
    def __init__(self, reader: Reader, starts: Starts, cold: _Cold) -> None:
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


class _Keys(Later):
    def __init__(self, reader: Reader, cold: _Cold) -> None:
        super().__init__(cold.keys)
        self._reader = reader

    async def any(self) -> bool:
        return bool(await self._reader.rows("SELECT 1 FROM api_keys LIMIT 1"))


class _DueSchedules(Later):
    def __init__(self, reader: Reader, cold: _Cold) -> None:
        super().__init__(cold.due_schedules)
        self._reader = reader

    async def next_wake(self) -> datetime | None:
        """Asked again and again, mostly for nothing: without what is imported for the rest."""
        (row,) = await self._reader.rows("SELECT min(wake_at) FROM schedules")
        return None if row[0] is None else moment(row[0])


class _DueDeliveries(Later):
    def __init__(self, reader: Reader, cold: _Cold) -> None:
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


class _Items(Later):
    def __init__(self, reader: Reader, cold: _Cold) -> None:
        super().__init__(cold.items)
        self._reader = reader

    async def forget(self, expired_before: datetime, limit: int) -> int:
        """Asked as soon as a worker starts, mostly for nothing."""
        old = await self._reader.rows("SELECT 1 FROM items WHERE expires_at < $1 LIMIT 1", seconds(expired_before))
        return await cast("Items", self.rest()).forget(expired_before, limit) if old else 0


class _Cold:
    """What goes through SQLAlchemy. Its engine is made with the first of these."""

    def __init__(self, url: str, connections: Connections) -> None:
        self._url, self._connections = url, connections
        self._database: Database | None = None

    def runs(self) -> object:
        from infrastructure.store.sql.runs import RunLists

        return RunLists(self._opened())

    def workflows(self, parse: Parse) -> object:
        from infrastructure.store.sql.workflows import PublishedWorkflows

        return PublishedWorkflows(self._opened(), parse)

    def templates(self) -> object:
        from infrastructure.store.sql.workflows import ShelvedTemplates

        return ShelvedTemplates(self._opened())

    def threads(self) -> object:
        from infrastructure.store.sql.threads import KeptThreads

        return KeptThreads(self._opened())

    def usage(self) -> object:
        from infrastructure.store.sql.shelves import KeptUsage

        return KeptUsage(self._opened())

    def retention(self) -> object:
        from infrastructure.store.sql.retention import KeptRetention

        return KeptRetention(self._opened())

    def schedules(self) -> object:
        from infrastructure.store.sql.schedules import KeptSchedules

        return KeptSchedules(self._opened())

    def due_schedules(self) -> object:
        from infrastructure.store.sql.due import KeptDueSchedules

        return KeptDueSchedules(self._opened())

    def sessions(self) -> object:
        from infrastructure.store.sql.sessions import KeptSessions

        return KeptSessions(self._opened())

    def webhooks(self) -> object:
        from infrastructure.store.sql.webhooks import KeptWebhooks

        return KeptWebhooks(self._opened())

    def deliveries(self) -> object:
        from infrastructure.store.sql.webhooks import KeptDeliveries

        return KeptDeliveries(self._opened())

    def due_deliveries(self) -> object:
        from infrastructure.store.sql.webhooks import KeptDueDeliveries

        return KeptDueDeliveries(self._opened())

    def snapshots(self) -> object:
        from infrastructure.store.sql.snapshots import KeptSnapshots

        return KeptSnapshots(self._opened())

    def items(self) -> object:
        from infrastructure.store.sql.items import KeptItems

        return KeptItems(self._opened())

    def keys(self) -> object:
        from infrastructure.store.sql.shelves import KeptKeys

        return KeptKeys(self._opened())

    async def close(self) -> None:
        if self._database is not None:
            await self._database.close()

    def _opened(self) -> Database:
        from infrastructure.store.sql.database import Database

        if self._database is None:
            self._database = Database(self._url, self._connections)
        return self._database

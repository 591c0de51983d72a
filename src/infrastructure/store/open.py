"""Opening a store by its URL: the schema is brought up to date, then connections are made in order, and closed in reverse."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, cast

from domain.ports.clock import Clock
from domain.ports.hints import Hints
from infrastructure.store.cold import Cold, Parse
from infrastructure.store.connections import USUAL, Connections
from infrastructure.store.finding import WorkflowReads
from infrastructure.store.health import SchemaHealth
from infrastructure.store.hot import Hot, OnCommitted
from infrastructure.store.later import Later
from infrastructure.store.migrate import upgrade
from infrastructure.store.prompt_rows import QuickPrompts
from infrastructure.store.quick import (
    QuickDueDeliveries,
    QuickDueSchedules,
    QuickItems,
    QuickKeys,
    QuickLanes,
    QuickRuns,
    QuickSnapshots,
    QuickThreads,
    QuickTools,
    QuickUsage,
    QuickWorkflows,
)
from infrastructure.store.reader import Reader
from infrastructure.store.store import Store
from infrastructure.store.urls import driver_dsn, is_memory, is_sqlite, sqlite_path
from infrastructure.store.usage_rows import ReservedLines

if TYPE_CHECKING:
    from domain.ports.items import Items
    from domain.ports.lanes import Lanes
    from domain.ports.pins import ToolPins
    from domain.ports.prompts import Prompts
    from domain.ports.repositories import Keys, Runs, TemplateShelf, Threads, UsageLedger, Workflows
    from domain.ports.retention import Retention
    from domain.ports.schedules import DueSchedules, Schedules
    from domain.ports.sessions import Sessions
    from domain.ports.snapshots import Snapshots
    from domain.ports.tools import RegisteredTools
    from domain.ports.usage import UsageSums
    from domain.ports.webhooks import Deliveries, DueDeliveries, Webhooks


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
        cold = Cold(url, connections)
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


def _sums(reader: Reader) -> object:
    from infrastructure.store.usage_sums import KeptSums

    return KeptSums(reader)


def _store(url: str, hot: Hot, cold: Cold, parse: Parse) -> Store:
    return Store(
        journal=hot.journal,
        queue=hot.queue,
        inbox=hot.inbox,
        runs=cast("Runs", QuickRuns(hot.starts, cold)),
        marks=hot.marks,
        workflows=cast("Workflows", QuickWorkflows(WorkflowReads(hot.reader, parse), cold)),
        templates=cast("TemplateShelf", Later(cold.templates)),
        prompts=cast("Prompts", QuickPrompts(hot.reader, cold)),
        threads=cast("Threads", QuickThreads(hot.reader, hot.starts, cold)),
        usage=cast("UsageLedger", QuickUsage(ReservedLines(hot.reader), cold)),
        sums=cast("UsageSums", Later(partial(_sums, hot.reader))),
        keys=cast("Keys", QuickKeys(hot.reader, cold)),
        open_renew=hot.open_renew,
        retention=cast("Retention", Later(cold.retention)),
        schedules=cast("Schedules", Later(cold.schedules)),
        due=cast("DueSchedules", QuickDueSchedules(hot.reader, cold)),
        sessions=cast("Sessions", Later(cold.sessions)),
        webhooks=cast("Webhooks", Later(cold.webhooks)),
        deliveries=cast("Deliveries", Later(cold.deliveries)),
        owed=cast("DueDeliveries", QuickDueDeliveries(hot.reader, cold)),
        holds=hot.holds,
        snapshots=cast("Snapshots", QuickSnapshots(hot.reader, cold)),
        items=cast("Items", QuickItems(hot.reader, cold)),
        registered=cast("RegisteredTools", QuickTools(hot.reader, cold)),
        pins=cast("ToolPins", Later(cold.pins)),
        audit=hot.audit,
        lanes=cast("Lanes", QuickLanes(hot.reader, cold)),
        history=hot.history,
        budgets=hot.budgets,
        accounts=hot.accounts,
        health=SchemaHealth(hot.reader, "sqlite" if is_sqlite(url) else "postgresql"),
    )

"""Holding a thread on SQLite: a job of the one writer, so that no claim comes between."""

import sqlite3
from dataclasses import dataclass
from functools import partial

from domain.ids import TenantId, ThreadId
from domain.ports.holds import Hold
from infrastructure.store.holding import busy, hold_of
from infrastructure.store.sqlite.writer import SqliteWriter
from infrastructure.store.starting import no_thread

_HEAD = """SELECT h.run, q.worker IS NOT NULL OR r.status = 'running'
    FROM heads h LEFT JOIN queue q ON q.run = h.run LEFT JOIN runs r ON r.id = h.run WHERE h.thread = ? AND h.tenant = ?"""
_RAISE = "UPDATE heads SET epoch = epoch + 1 WHERE thread = ? RETURNING epoch, position"


@dataclass(frozen=True, slots=True)
class SqliteHolds:
    writer: SqliteWriter

    async def hold(self, tenant: TenantId, thread: ThreadId) -> Hold:
        return await self.writer.do(partial(_hold, tenant=tenant, thread=thread))


def _hold(connection: sqlite3.Connection, tenant: TenantId, thread: ThreadId) -> Hold:
    head = connection.execute(_HEAD, (thread, tenant)).fetchone()
    if head is None:
        raise no_thread(thread)
    run, is_busy = head
    if is_busy:
        raise busy(thread, run)
    epoch, position = connection.execute(_RAISE, (thread,)).fetchone()
    return hold_of(tenant, thread, run, epoch, position)

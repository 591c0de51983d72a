"""The queue on SQLite: every change is a job of the one writer, so that no two workers of any process can take the same run."""

# ruff: noqa: S608 - statements are put together from names that stand in this folder; values are parameters

import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial

from domain.ids import Epoch, Position, RunId, TenantId, ThreadId, WorkerId
from domain.json import JsonObject
from domain.ports.inbox import Wish
from domain.ports.journal import Lease
from domain.ports.queue import Claim, QueueDepth
from infrastructure.store.bell import Bell
from infrastructure.store.codec import encode
from infrastructure.store.reader import DUE
from infrastructure.store.reading import InboxReads, QueueReads, no_run
from infrastructure.store.rows import RUN_COLUMNS, run_of
from infrastructure.store.sqlite.connections import SQLITE
from infrastructure.store.sqlite.writer import SqliteWriter

_DUE = SQLITE.spell(f"""SELECT q.run, q.thread, q.worker FROM queue q JOIN heads h ON h.thread = q.thread
    WHERE {DUE} ORDER BY q.due_at, q.number LIMIT ?""")
_RAISE_EPOCH = "UPDATE heads SET epoch = epoch + 1, run = ? WHERE thread = ? RETURNING epoch, position"
_TAKE = "UPDATE queue SET worker = ?, epoch = ?, due_at = weft_now() + ? WHERE run = ?"
_TAKE_UP = f"UPDATE runs SET status = 'running', started_at = coalesce(started_at, weft_now()) WHERE id = ? RETURNING {RUN_COLUMNS}"
RENEW = "UPDATE queue SET due_at = weft_now() + ? WHERE run = ? AND worker = ? AND epoch = ?"
_RELEASE = "UPDATE queue SET worker = NULL, due_at = weft_now() WHERE run = ? AND epoch = ? AND worker IS NOT NULL"
_OWNED = "SELECT 1 FROM runs WHERE id = ? AND tenant = ?"
_WISH = "INSERT INTO inbox (tenant, thread, run, kind, body, key) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_WAKE = """UPDATE queue SET wishes = wishes + 1, due_at = CASE WHEN worker IS NULL THEN min(due_at, weft_now()) ELSE due_at END
    WHERE run = ?"""


@dataclass(frozen=True, slots=True)
class SqliteQueue:
    writer: SqliteWriter
    reads: QueueReads
    bell: Bell

    async def claim(self, worker: WorkerId, limit: int, lease_seconds: float) -> Sequence[Claim]:
        return await self.writer.do(partial(_claim, worker=worker, limit=limit, lease_seconds=lease_seconds))

    async def renew(self, worker: WorkerId, leases: Collection[Lease], lease_seconds: float) -> Collection[Lease]:
        return await self.writer.do(partial(renew_leases, worker=worker, leases=list(leases), lease_seconds=lease_seconds))

    async def release(self, lease: Lease) -> None:
        await self.writer.do(lambda connection: connection.execute(_RELEASE, (lease.run, lease.epoch)).rowcount)
        self.bell.ring()

    async def next_due(self) -> float | None:
        return await self.reads.next_due()

    async def depth(self) -> QueueDepth:
        return await self.reads.depth()

    async def woken(self, timeout: float) -> None:
        await self.bell.heard(timeout)


@dataclass(frozen=True, slots=True)
class SqliteInbox:
    writer: SqliteWriter
    reads: InboxReads
    queue_bell: Bell
    bell: Bell

    async def put(self, tenant: TenantId, thread: ThreadId, run: RunId, kind: str, body: JsonObject, key: str) -> bool:
        row = (tenant, thread, run, kind, encode(body), key)
        is_new = await self.writer.do(partial(_put, tenant=tenant, run=run, row=row))
        self.queue_bell.ring()
        self.bell.ring()
        return is_new

    async def waiting(self, threads: Collection[ThreadId]) -> Sequence[Wish]:
        return await self.reads.waiting(threads)

    async def knocked(self, timeout: float) -> None:
        await self.bell.heard(timeout)


def _claim(connection: sqlite3.Connection, worker: WorkerId, limit: int, lease_seconds: float) -> list[Claim]:
    claims = []
    for run, thread, former in connection.execute(_DUE, (limit,)).fetchall():
        epoch, position = connection.execute(_RAISE_EPOCH, (run, thread)).fetchone()
        connection.execute(_TAKE, (worker, epoch, lease_seconds, run))
        taken = run_of(connection.execute(_TAKE_UP, (run,)).fetchone())
        claims.append(
            Claim(Lease(taken.tenant, taken.thread, taken.id, Epoch(epoch), worker), taken, Position(position), former is not None)
        )
    return claims


def renew_leases(connection: sqlite3.Connection, worker: WorkerId, leases: list[Lease], lease_seconds: float) -> list[Lease]:
    return [lease for lease in leases if not connection.execute(RENEW, (lease_seconds, lease.run, worker, lease.epoch)).rowcount]


def _put(connection: sqlite3.Connection, tenant: TenantId, run: RunId, row: tuple[object, ...]) -> bool:
    if connection.execute(_OWNED, (run, tenant)).fetchone() is None:
        raise no_run(run)
    if not connection.execute(_WISH, row).rowcount:
        return False
    connection.execute(_WAKE, (run,))
    return True

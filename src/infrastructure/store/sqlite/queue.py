"""The queue on SQLite: every change is a job of the one writer, so that no two workers of any process can take the same run."""

# ruff: noqa: S608 - statements are put together from names that stand in this folder; values are parameters

import json
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import partial

from domain.ids import RunId, TenantId, ThreadId, WorkerId
from domain.json import JsonObject
from domain.ports.hints import INBOX, QUEUE, Hints
from domain.ports.inbox import CANCEL, Wish
from domain.ports.journal import Lease
from domain.ports.queue import Claim, QueueDepth
from domain.run.terms import DELIVERIES
from infrastructure.store.codec import encode
from infrastructure.store.reading import InboxReads, QueueReads, no_run
from infrastructure.store.sqlite.claiming import claim_due
from infrastructure.store.sqlite.writer import SqliteWriter
from infrastructure.store.turns import Turns

RENEW = "UPDATE queue SET until = weft_now() + ? WHERE run = ? AND worker = ? AND epoch = ?"
_FREE = f"UPDATE queue SET worker = NULL, deliveries = min(deliveries, {DELIVERIES}) WHERE worker IS NOT NULL"
_RELEASE = f"{_FREE} AND run = ? AND epoch = ?"
_GIVE_BACK = f"{_FREE} AND worker = ? AND run NOT IN (SELECT value FROM json_each(?))"
_BEGIN_LAST = f"UPDATE queue SET deliveries = {DELIVERIES + 1} WHERE run = ? AND epoch = ? AND worker IS NOT NULL"
_OWNED = "SELECT 1 FROM runs WHERE id = ? AND tenant = ?"
_WISH = "INSERT INTO inbox (tenant, thread, run, kind, body, key) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_WAKE = f"""UPDATE queue SET wishes = wishes + 1,
    due_at = CASE WHEN worker IS NULL AND (?2 = '{CANCEL}' OR epoch > 0) THEN min(due_at, weft_now()) ELSE due_at END,
    slot = CASE WHEN worker IS NULL AND ?2 = '{CANCEL}' THEN NULL ELSE slot END,
    rate = CASE WHEN ?2 = '{CANCEL}' THEN NULL ELSE rate END
    WHERE run = ?1"""


@dataclass(frozen=True, slots=True)
class SqliteQueue:
    writer: SqliteWriter
    reads: QueueReads
    hints: Hints
    turns: Turns = field(default_factory=Turns)

    async def claim(self, worker: WorkerId, limit: int, lease_seconds: float) -> Sequence[Claim]:
        last = self.turns.last(worker)
        claims = await self.writer.do(partial(claim_due, worker=worker, limit=limit, lease_seconds=lease_seconds, last=last))
        self.turns.served(worker, claims)
        return claims

    async def renew(self, worker: WorkerId, leases: Collection[Lease], lease_seconds: float) -> Collection[Lease]:
        return await self.writer.do(partial(renew_leases, worker=worker, leases=list(leases), lease_seconds=lease_seconds))

    async def release(self, lease: Lease) -> None:
        await self.writer.do(lambda connection: connection.execute(_RELEASE, (lease.run, lease.epoch)).rowcount)
        self.hints.ring(QUEUE)

    async def give_back(self, worker: WorkerId, held: Collection[Lease]) -> int:
        runs = json.dumps([lease.run for lease in held])
        given = await self.writer.do(lambda connection: connection.execute(_GIVE_BACK, (worker, runs)).rowcount)
        if given:
            self.hints.ring(QUEUE)
        return given

    async def begin_last(self, lease: Lease) -> bool:
        return await self.writer.do(lambda connection: connection.execute(_BEGIN_LAST, (lease.run, lease.epoch)).rowcount) > 0

    async def next_due(self) -> float | None:
        return await self.reads.next_due()

    async def depth(self) -> QueueDepth:
        return await self.reads.depth()

    async def woken(self, timeout: float) -> None:
        await self.hints.heard(QUEUE, timeout)


@dataclass(frozen=True, slots=True)
class SqliteInbox:
    writer: SqliteWriter
    reads: InboxReads
    hints: Hints

    async def put(self, tenant: TenantId, thread: ThreadId, run: RunId, kind: str, body: JsonObject, key: str) -> bool:
        row = (tenant, thread, run, kind, encode(body), key)
        is_new = await self.writer.do(partial(_put, tenant=tenant, run=run, kind=kind, row=row))
        self.hints.ring(QUEUE)
        self.hints.ring(INBOX)
        return is_new

    async def waiting(self, threads: Collection[ThreadId]) -> Sequence[Wish]:
        return await self.reads.waiting(threads)

    async def count(self, run: RunId, kind: str) -> int:
        return await self.reads.count(run, kind)

    async def knocked(self, timeout: float) -> None:
        await self.hints.heard(INBOX, timeout)


def renew_leases(connection: sqlite3.Connection, worker: WorkerId, leases: list[Lease], lease_seconds: float) -> list[Lease]:
    return [lease for lease in leases if not connection.execute(RENEW, (lease_seconds, lease.run, worker, lease.epoch)).rowcount]


def _put(connection: sqlite3.Connection, tenant: TenantId, run: RunId, kind: str, row: tuple[object, ...]) -> bool:
    if connection.execute(_OWNED, (run, tenant)).fetchone() is None:
        raise no_run(run)
    if not connection.execute(_WISH, row).rowcount:
        return False
    connection.execute(_WAKE, (run, kind))
    return True

"""The queue and the inbox on PostgreSQL. Each change is one statement; rows that somebody else holds at that moment are passed over."""

# ruff: noqa: S608 - statements are put together from names that stand in this folder; values are parameters

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from domain.ids import Epoch, Position, RunId, TenantId, ThreadId, WorkerId
from domain.json import JsonObject
from domain.ports.hints import INBOX, QUEUE, Hints
from domain.ports.inbox import CANCEL, Wish
from domain.ports.journal import Lease
from domain.ports.queue import Claim, QueueDepth
from domain.run.terms import DELIVERIES
from infrastructure.store.codec import encode
from infrastructure.store.filling import LargeValues, whole_runs
from infrastructure.store.postgres.claiming import CLAIM
from infrastructure.store.postgres.connections import POSTGRES, PostgresReader
from infrastructure.store.reading import InboxReads, QueueReads, no_run
from infrastructure.store.rows import run_of
from infrastructure.store.turns import Turns

# A row that is locked is being claimed, released or written to just now: the next heartbeat will tell.
RENEW = f"""WITH told AS (
    SELECT * FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS t(run, epoch, number)
), free AS (
    SELECT run FROM queue WHERE run = ANY($1) ORDER BY number FOR UPDATE SKIP LOCKED
), renewed AS (
    UPDATE queue q SET until = {POSTGRES.now} + $4::float8 FROM told JOIN free USING (run)
    WHERE q.run = ANY($1) AND q.run = told.run AND q.worker = $3 AND q.epoch = told.epoch RETURNING told.number
)
SELECT number FROM told WHERE NOT EXISTS (SELECT 1 FROM renewed WHERE renewed.number = told.number)
    AND (EXISTS (SELECT 1 FROM free WHERE free.run = told.run) OR NOT EXISTS (SELECT 1 FROM queue q WHERE q.run = told.run))"""
_FREE = f"UPDATE queue SET worker = NULL, deliveries = least(deliveries, {DELIVERIES}) WHERE worker IS NOT NULL"
_RELEASE = f"{_FREE} AND run = $1 AND epoch = $2"
_GIVE_BACK = f"{_FREE} AND worker = $1 AND run <> ALL ($2::text[]) RETURNING run"
_BEGIN_LAST = f"UPDATE queue SET deliveries = {DELIVERIES + 1} WHERE run = $1 AND epoch = $2 AND worker IS NOT NULL RETURNING run"
_IS_CANCEL = f"$4::text = '{CANCEL}'"
_PUT = f"""WITH owned AS (
    SELECT id FROM runs WHERE id = $3 AND tenant = $1
), put AS (
    INSERT INTO inbox (tenant, thread, run, kind, body, key) SELECT $1::text, $2::text, id, $4::text, $5::bytea, $6::text FROM owned
    ON CONFLICT DO NOTHING RETURNING run
), woken AS (
    UPDATE queue q SET wishes = q.wishes + 1,
        due_at = CASE WHEN q.worker IS NULL AND ({_IS_CANCEL} OR q.epoch > 0) THEN least(q.due_at, {POSTGRES.now}) ELSE q.due_at END,
        slot = CASE WHEN q.worker IS NULL AND {_IS_CANCEL} THEN NULL ELSE q.slot END,
        rate = CASE WHEN {_IS_CANCEL} THEN NULL ELSE q.rate END
    FROM put WHERE q.run = put.run
)
SELECT EXISTS (SELECT 1 FROM owned), EXISTS (SELECT 1 FROM put)"""


@dataclass(frozen=True, slots=True)
class PostgresQueue:
    database: PostgresReader
    reads: QueueReads
    hints: Hints
    turns: Turns = field(default_factory=Turns)

    async def claim(self, worker: WorkerId, limit: int, lease_seconds: float) -> Sequence[Claim]:
        claims = []
        rows = await self.database.rows(CLAIM, worker, limit, lease_seconds, self.turns.last(worker))
        for epoch, position, was_held, deliveries, *row in await whole_runs(LargeValues(self.database), rows, 4):
            run = run_of(row)
            lease = Lease(run.tenant, run.thread, run.id, Epoch(epoch), worker)
            claims.append(Claim(lease, run, Position(position), was_held, deliveries))
        self.turns.served(worker, claims)
        return claims

    async def renew(self, worker: WorkerId, leases: Collection[Lease], lease_seconds: float) -> Collection[Lease]:
        runs, epochs = [lease.run for lease in leases], [lease.epoch for lease in leases]
        lost = {row[0] for row in await self.database.rows(RENEW, runs, epochs, worker, lease_seconds)}
        return [lease for number, lease in enumerate(leases, 1) if number in lost]

    async def release(self, lease: Lease) -> None:
        await self.database.rows(_RELEASE, lease.run, lease.epoch)
        self.hints.ring(QUEUE)

    async def give_back(self, worker: WorkerId, held: Collection[Lease]) -> int:
        given = await self.database.rows(_GIVE_BACK, worker, [lease.run for lease in held])
        if given:
            self.hints.ring(QUEUE)
        return len(given)

    async def begin_last(self, lease: Lease) -> bool:
        return bool(await self.database.rows(_BEGIN_LAST, lease.run, lease.epoch))

    async def next_due(self) -> float | None:
        return await self.reads.next_due()

    async def depth(self) -> QueueDepth:
        return await self.reads.depth()

    async def woken(self, timeout: float) -> None:
        await self.hints.heard(QUEUE, timeout)


@dataclass(frozen=True, slots=True)
class PostgresInbox:
    database: PostgresReader
    reads: InboxReads
    hints: Hints

    async def put(self, tenant: TenantId, thread: ThreadId, run: RunId, kind: str, body: JsonObject, key: str) -> bool:
        ((is_ours, is_new),) = await self.database.rows(_PUT, tenant, thread, run, kind, encode(body), key)
        if not is_ours:
            raise no_run(run)
        self.hints.ring(QUEUE)
        self.hints.ring(INBOX)
        return bool(is_new)

    async def waiting(self, threads: Collection[ThreadId]) -> Sequence[Wish]:
        return await self.reads.waiting(threads)

    async def count(self, run: RunId, kind: str) -> int:
        return await self.reads.count(run, kind)

    async def knocked(self, timeout: float) -> None:
        await self.hints.heard(INBOX, timeout)

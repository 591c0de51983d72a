"""Holding a thread on PostgreSQL: one statement, which waits for whoever is just writing to the thread's head.

A claim or an append may have gone through since the statement began. So what is decided about is locked first, which gives it as it is now.
Should the run that has the thread be one that the statement cannot see yet, it is asked again.
"""

from dataclasses import dataclass
from typing import Final

from domain.ids import TenantId, ThreadId
from domain.ports.holds import Hold
from infrastructure.store.holding import busy, hold_of
from infrastructure.store.postgres.connections import PostgresReader
from infrastructure.store.starting import no_thread

TRIES: Final = 5
HOLD: Final = """WITH head AS MATERIALIZED (
    SELECT thread, run FROM heads WHERE thread = $1 AND tenant = $2 FOR UPDATE
), holder AS MATERIALIZED (
    SELECT q.run, q.worker IS NOT NULL OR r.status = 'running' AS is_busy
    FROM head JOIN queue q ON q.run = head.run JOIN runs r ON r.id = q.run FOR UPDATE OF q, r
), judged AS MATERIALIZED (
    SELECT head.thread, head.run, CASE WHEN head.run IS NULL THEN FALSE ELSE holder.is_busy END AS is_busy
    FROM head LEFT JOIN holder ON holder.run = head.run
), raised AS (
    UPDATE heads h SET epoch = h.epoch + 1 FROM judged WHERE h.thread = $1 AND h.thread = judged.thread AND NOT judged.is_busy
    RETURNING h.thread, h.epoch, h.position
)
SELECT judged.run, judged.is_busy, raised.epoch, raised.position FROM judged LEFT JOIN raised USING (thread)"""


@dataclass(frozen=True, slots=True)
class PostgresHolds:
    database: PostgresReader

    async def hold(self, tenant: TenantId, thread: ThreadId) -> Hold:
        run = ""
        for _ in range(TRIES):
            rows = await self.database.rows(HOLD, thread, tenant)
            if not rows:
                raise no_thread(thread)
            run, is_busy, epoch, position = rows[0]
            if is_busy is not None and epoch is not None:
                return hold_of(tenant, thread, run, epoch, position)
            if is_busy:
                break
        raise busy(thread, run)

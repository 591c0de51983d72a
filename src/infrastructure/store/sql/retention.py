"""Forgetting finished runs, in transactions that hold nobody up for long."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import delete, func, select, update

from infrastructure.store.rows import seconds
from infrastructure.store.sql.database import Database
from infrastructure.store.tables import checkpoints, heads, inbox, journal, runs, threads

BATCH_THREADS: Final = 20


@dataclass(frozen=True, slots=True)
class KeptRetention:
    database: Database

    async def forget_runs(self, ended_before: datetime, limit: int) -> int:
        alone = runs.alias()
        others = select(alone.c.id).where(alone.c.thread == runs.c.thread, alone.c.id != runs.c.id).exists()
        old = (
            select(runs.c.thread)
            .join(threads, threads.c.id == runs.c.thread)
            .where(runs.c.ended_at < seconds(ended_before), threads.c.created_at == runs.c.created_at, ~others)
            .order_by(runs.c.ended_at)
            .limit(limit)
        )
        async with self.database.transaction() as connection:
            # Whoever starts a run on one of these threads waits here, or has been waited for.
            held = await connection.execute(update(threads).where(threads.c.id.in_(old)).values(created_at=threads.c.created_at))
            if not held.rowcount:
                return 0
            gone = [row.thread for row in await connection.execute(old)]
            for table, column in ((journal, journal.c.thread), (checkpoints, checkpoints.c.thread), (inbox, inbox.c.thread)):
                await connection.execute(delete(table).where(column.in_(gone)))
            await connection.execute(delete(heads).where(heads.c.thread.in_(gone)))
            await connection.execute(delete(threads).where(threads.c.id.in_(gone)))
            return (await connection.execute(delete(runs).where(runs.c.thread.in_(gone)))).rowcount

    async def forget_rows(self, written_before: datetime, limit: int) -> int:
        earlier = journal.alias()
        rest = (
            select(earlier.c.position).where(earlier.c.thread == checkpoints.c.thread, earlier.c.position < checkpoints.c.position).exists()
        )
        stands = (
            select(checkpoints.c.thread, func.max(checkpoints.c.position))
            .join(journal, (journal.c.thread == checkpoints.c.thread) & (journal.c.position == checkpoints.c.position))
            .where(journal.c.at < seconds(written_before), rest)
            .group_by(checkpoints.c.thread)
            .limit(BATCH_THREADS)
        )
        forgotten = 0
        for thread, position in await self.database.rows(stands):
            forgotten += await self._forget_before(thread, position, limit - forgotten)
        return forgotten

    async def _forget_before(self, thread: str, position: int, limit: int) -> int:
        """The oldest rows go first, and the checkpoints when no row before them is left."""
        old = select(journal.c.position).where(journal.c.thread == thread, journal.c.position < position).order_by(journal.c.position)
        async with self.database.transaction() as connection:
            rows = await connection.execute(delete(journal).where(journal.c.thread == thread, journal.c.position.in_(old.limit(limit))))
            await connection.execute(delete(checkpoints).where(checkpoints.c.thread == thread, checkpoints.c.position < position))
            return rows.rowcount

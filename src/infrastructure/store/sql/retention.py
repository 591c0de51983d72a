"""Forgetting finished runs, in transactions that hold nobody up for long."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import LargeBinary, delete, func, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from infrastructure.store.large import HAS_REFERENCES, references
from infrastructure.store.rows import seconds
from infrastructure.store.sql.database import Database
from infrastructure.store.tables import checkpoints, heads, inbox, journal, runs, threads
from infrastructure.store.thread_tables import blob_uses, blobs, snapshots

BATCH_THREADS: Final = 20
MOST_USES: Final = 1_000
_BODIES: Final = (journal.c.body, checkpoints.c.body, runs.c.asked, runs.c.outcome)
# A checkpoint that is newer than where some branch left the thread, or left one of its branches before that one began, is none to
# forget rows by: the branch stands on them.
_OLD: Final = """SELECT c.thread, max(c.position) FROM checkpoints c
    JOIN journal j ON j.thread = c.thread AND j.position = c.position
    WHERE j.at < :before{only} AND EXISTS (SELECT 1 FROM journal e WHERE e.thread = c.thread AND e.position < c.position) AND NOT EXISTS (
        WITH RECURSIVE branch(thread, upto) AS (
            SELECT id, parent_position FROM threads WHERE parent = c.thread AND parent_position > 0
            UNION ALL SELECT t.id, CASE WHEN t.parent_position < b.upto THEN t.parent_position ELSE b.upto END
                FROM branch b JOIN threads t ON t.parent = b.thread WHERE t.parent_position > 0
        ) SELECT 1 FROM branch WHERE upto < c.position)
    GROUP BY c.thread LIMIT :most"""
_STANDS: Final = text(_OLD.format(only=""))
_STILL_STANDS: Final = text(_OLD.format(only=" AND c.thread = :thread"))


@dataclass(frozen=True, slots=True)
class KeptRetention:
    database: Database

    async def forget_runs(self, ended_before: datetime, limit: int) -> int:
        alone = runs.alias()
        others = select(alone.c.id).where(alone.c.thread == runs.c.thread, alone.c.id != runs.c.id).exists()
        branch = threads.alias()
        branches = select(branch.c.id).where(branch.c.parent == threads.c.id).exists()
        old = (
            select(runs.c.thread)
            .join(threads, threads.c.id == runs.c.thread)
            .where(runs.c.ended_at < seconds(ended_before), threads.c.created_at == runs.c.created_at, ~others, ~branches)
            .order_by(runs.c.ended_at)
            .limit(limit)
        )
        async with self.database.transaction() as connection:
            # Whoever starts a run on one of these threads waits here, or has been waited for.
            hold = update(threads).where(threads.c.id.in_(old)).values(created_at=threads.c.created_at).returning(threads.c.id)
            held = [row.id for row in await connection.execute(hold)]
            if not held:
                return 0
            gone = [row.thread for row in await connection.execute(old.where(threads.c.id.in_(held)))]
            for table in (journal, checkpoints, inbox, snapshots, blob_uses):
                await connection.execute(delete(table).where(table.c.thread.in_(gone)))
            await connection.execute(delete(heads).where(heads.c.thread.in_(gone)))
            await connection.execute(delete(threads).where(threads.c.id.in_(gone)))
            return (await connection.execute(delete(runs).where(runs.c.thread.in_(gone)))).rowcount

    async def forget_rows(self, written_before: datetime, limit: int) -> int:
        before = seconds(written_before)
        forgotten = 0
        for thread, _ in await self.database.rows(_STANDS.bindparams(before=before, most=BATCH_THREADS)):
            forgotten += await self._forget_before(thread, before, limit - forgotten)
        return forgotten

    async def forget_values(self, unused_since: datetime, limit: int) -> int:
        blob = blobs.alias()
        used = select(blob_uses.c.hash).where(blob_uses.c.tenant == blob.c.tenant, blob_uses.c.hash == blob.c.hash).exists()
        unused = select(blob.c.tenant, blob.c.hash).where(blob.c.created_at < seconds(unused_since), ~used).limit(limit)
        # The time stands outside as well: one that is used again while this waits for its row must stay.
        old = blobs.c.created_at < seconds(unused_since)
        return await self.database.change(delete(blobs).where(old, tuple_(blobs.c.tenant, blobs.c.hash).in_(unused)))

    async def _forget_before(self, thread: str, before: float, limit: int) -> int:
        """The oldest rows go first. The older checkpoints go at once: none stands on rows that are half there."""
        async with self.database.transaction() as connection:
            # Whoever branches off waits here, or has been waited for: only then it is settled what branches stand on.
            await connection.execute(update(threads).where(threads.c.id == thread).values(created_at=threads.c.created_at))
            stands = (await connection.execute(_STILL_STANDS.bindparams(before=before, thread=thread, most=1))).first()
            if stands is None:
                return 0
            older = select(journal.c.position).where(journal.c.thread == thread, journal.c.position < stands[1])
            oldest = older.order_by(journal.c.position).limit(limit)
            rows = await connection.execute(delete(journal).where(journal.c.thread == thread, journal.c.position.in_(oldest)))
            await connection.execute(delete(checkpoints).where(checkpoints.c.thread == thread, checkpoints.c.position < stands[1]))
            await _forget_uses(connection, thread, before)
            return rows.rowcount


async def _forget_uses(connection: AsyncConnection, thread: str, before: float) -> None:
    """Of values that no row of the thread refers to any more. One that is just being used again says when it was, and is locked until that
    is committed: it is not among those that were used last before then."""
    uses = set((await connection.execute(select(blob_uses.c.hash).where(blob_uses.c.thread == thread))).scalars())
    for column in _BODIES if uses else ():
        table = column.table
        rows = select(column).where(table.c.thread == thread, func.substr(column, 1, 1, type_=LargeBinary) == HAS_REFERENCES)
        for body in (await connection.execute(rows)).scalars():
            uses -= references(body)
    if uses:
        tenant = select(threads.c.tenant).where(threads.c.id == thread).scalar_subquery()
        left = select(blobs.c.hash).where(blobs.c.tenant == tenant, blobs.c.hash.in_(sorted(uses)[:MOST_USES]), blobs.c.created_at < before)
        gone = list((await connection.execute(left.order_by(blobs.c.hash).with_for_update())).scalars())
        await connection.execute(delete(blob_uses).where(blob_uses.c.thread == thread, blob_uses.c.hash.in_(gone)))

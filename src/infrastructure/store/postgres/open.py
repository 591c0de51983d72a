"""Opening a PostgreSQL database whose schema is up to date."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from domain.ports.clock import Clock
from domain.ports.hints import Hints
from infrastructure.store.audit import KeptAudit
from infrastructure.store.budgets.changes import Changes
from infrastructure.store.budgets.kept import KeptBudgets
from infrastructure.store.budgets.postgres import PostgresBudgetAccounts, PostgresWrite
from infrastructure.store.connections import Connections
from infrastructure.store.history import KeptHistory
from infrastructure.store.hot import Hot, OnCommitted
from infrastructure.store.journal import GroupedJournal
from infrastructure.store.lines import Lines
from infrastructure.store.postgres.connections import WriterConnection, open_pool
from infrastructure.store.postgres.deeds import PostgresDeeds
from infrastructure.store.postgres.hints import open_hints
from infrastructure.store.postgres.history import PostgresHistory
from infrastructure.store.postgres.holds import PostgresHolds
from infrastructure.store.postgres.marks import PostgresMarks
from infrastructure.store.postgres.queue import PostgresInbox, PostgresQueue
from infrastructure.store.postgres.renewing import open_renew
from infrastructure.store.postgres.runs import PostgresStarts
from infrastructure.store.postgres.standing import StandingRuns
from infrastructure.store.postgres.writer import PostgresWriter
from infrastructure.store.reading import InboxReads, JournalReads, QueueReads, RunReads


@asynccontextmanager
async def open_postgres(
    dsn: str, connections: Connections, clock: Clock, on_committed: OnCommitted, hints: Hints | None = None
) -> AsyncIterator[Hot]:
    """A pool for reads and claims, a connection for appends, one for starts, and one for hints where none are given. Closing waits for
    what has come."""
    async with AsyncExitStack() as closing:
        database = await closing.enter_async_context(open_pool(dsn, connections))
        rung: Hints = hints if hints is not None else await closing.enter_async_context(open_hints(dsn))
        writer = PostgresWriter(WriterConnection(dsn), clock, on_committed)
        closing.push_async_callback(writer.close)
        marks, history = PostgresMarks(database), PostgresHistory(database)
        starts = PostgresStarts(WriterConnection(dsn), RunReads(database), marks, StandingRuns(database), rung)
        closing.push_async_callback(starts.close)
        yield Hot(
            journal=GroupedJournal(writer, JournalReads(database, Lines(database)), rung),
            queue=PostgresQueue(database, QueueReads(database), rung),
            inbox=PostgresInbox(database, InboxReads(database), rung),
            starts=starts,
            marks=marks,
            holds=PostgresHolds(database),
            audit=KeptAudit(database, PostgresDeeds(database)),
            history=KeptHistory(database, history.save, history.forget),
            budgets=KeptBudgets(database, PostgresWrite(database)),
            accounts=PostgresBudgetAccounts(database, Changes(database)),
            reader=database,
            open_renew=partial(open_renew, dsn),
        )

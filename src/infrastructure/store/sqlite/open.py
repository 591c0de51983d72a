"""Opening an SQLite file whose schema is up to date."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from domain.ports.clock import Clock
from domain.ports.hints import Hints
from infrastructure.store.audit import KeptAudit
from infrastructure.store.bells import Bells
from infrastructure.store.budgets.kept import KeptBudgets
from infrastructure.store.budgets.sqlite import SqliteBudgetAccounts, SqliteWrite
from infrastructure.store.history import KeptHistory
from infrastructure.store.hot import Hot, OnCommitted
from infrastructure.store.journal import GroupedJournal
from infrastructure.store.lines import Lines
from infrastructure.store.reading import InboxReads, JournalReads, QueueReads, RunReads
from infrastructure.store.sqlite.connections import SqliteReader
from infrastructure.store.sqlite.deeds import SqliteDeeds
from infrastructure.store.sqlite.history import SqliteHistory
from infrastructure.store.sqlite.holds import SqliteHolds
from infrastructure.store.sqlite.marks import SqliteMarks
from infrastructure.store.sqlite.queue import SqliteInbox, SqliteQueue
from infrastructure.store.sqlite.renewing import open_renew
from infrastructure.store.sqlite.runs import SqliteStarts
from infrastructure.store.sqlite.writer import SqliteWriter


@asynccontextmanager
async def open_sqlite(path: Path, clock: Clock, on_committed: OnCommitted, hints: Hints | None = None) -> AsyncIterator[Hot]:
    """One thread writes, one reads. Closing waits for what has come. Without other hints only this process hears of what it does."""
    reader = SqliteReader(path, clock)
    try:
        writer = SqliteWriter(path, clock, on_committed)
        try:
            hints = hints or Bells()
            history = SqliteHistory(writer)
            yield Hot(
                journal=GroupedJournal(writer, JournalReads(reader, Lines(reader)), hints),
                queue=SqliteQueue(writer, QueueReads(reader), hints),
                inbox=SqliteInbox(writer, InboxReads(reader), hints),
                starts=SqliteStarts(writer, RunReads(reader), hints),
                holds=SqliteHolds(writer),
                marks=SqliteMarks(writer, reader),
                audit=KeptAudit(reader, SqliteDeeds(writer)),
                history=KeptHistory(reader, history.save, history.forget),
                budgets=KeptBudgets(reader, SqliteWrite(writer)),
                accounts=SqliteBudgetAccounts(writer, reader),
                reader=reader,
                open_renew=partial(open_renew, path, clock),
            )
        finally:
            await writer.close()
    finally:
        reader.close()

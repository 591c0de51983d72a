"""Opening an SQLite file whose schema is up to date."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from domain.ports.clock import Clock
from infrastructure.store.bell import Bell
from infrastructure.store.hot import Hot, OnCommitted
from infrastructure.store.journal import GroupedJournal
from infrastructure.store.reading import InboxReads, JournalReads, QueueReads, RunReads
from infrastructure.store.sqlite.connections import SqliteReader
from infrastructure.store.sqlite.marks import SqliteMarks
from infrastructure.store.sqlite.queue import SqliteInbox, SqliteQueue
from infrastructure.store.sqlite.renewing import open_renew
from infrastructure.store.sqlite.runs import SqliteStarts
from infrastructure.store.sqlite.writer import SqliteWriter


@asynccontextmanager
async def open_sqlite(path: Path, clock: Clock, on_committed: OnCommitted) -> AsyncIterator[Hot]:
    """One thread writes, one reads. Closing waits for what has come."""
    reader = SqliteReader(path, clock)
    try:
        writer = SqliteWriter(path, clock, on_committed)
        try:
            queue_bell = Bell()
            yield Hot(
                journal=GroupedJournal(writer, JournalReads(reader), queue_bell),
                queue=SqliteQueue(writer, QueueReads(reader), queue_bell),
                inbox=SqliteInbox(writer, InboxReads(reader), queue_bell, Bell()),
                starts=SqliteStarts(writer, RunReads(reader), queue_bell),
                marks=SqliteMarks(writer, reader),
                reader=reader,
                open_renew=partial(open_renew, path, clock),
            )
        finally:
            await writer.close()
    finally:
        reader.close()

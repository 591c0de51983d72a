"""A branch costs two small rows, however long the past is that it shares."""

import sqlite3
from contextlib import closing
from dataclasses import replace

import asyncpg
import pytest

from domain.ids import Position, ThreadId
from domain.thread import Thread, ThreadMetadata, ThreadType
from infrastructure.ids import new_id
from infrastructure.store.store import Store
from tests.integration.store.builders import NOON, a_claim, a_result, append

EVENTS, BRANCHES, MOST_BYTES = 10_000, 1_000, 1024
_TABLES = ("threads", "heads", "journal", "checkpoints", "snapshots", "runs", "queue", "idempotency")
_SIZES = "SELECT " + " + ".join(f"pg_total_relation_size('{table}')" for table in _TABLES)


async def bytes_of(url: str) -> int:
    """What all tables and their indexes take."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            pages, free, size = (
                connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
            )
            return int((pages - free) * size)
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval(_SIZES))
    finally:
        await connection.close()


@pytest.mark.parametrize("backend", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
async def test_a_thousand_branches_of_ten_thousand_events_are_a_thousand_small_rows(store: Store, url: str) -> None:
    parent = await a_claim(store)
    for after in range(0, EVENTS, 1_000):
        await append(store, parent.lease, after, *(a_result(f"/n#{after + n}", note="what it made") for n in range(1_000)))
    branch = Thread(
        ThreadId(""),
        parent.run.tenant,
        NOON,
        ThreadType.BRANCH,
        ThreadMetadata("another way", "tried on a Tuesday"),
        {"try": 1},
        parent=parent.run.thread,
    )
    before = await bytes_of(url)

    made = [replace(branch, id=ThreadId(new_id()), parent_position=Position(n * EVENTS // BRANCHES)) for n in range(1, BRANCHES + 1)]
    for thread in made:
        await store.threads.add(thread)

    assert (await bytes_of(url) - before) / BRANCHES <= MOST_BYTES
    for thread in (made[0], made[499], made[-1]):
        assert await store.journal.end(thread.tenant, thread.id) == thread.parent_position
        (row,) = await store.journal.read(thread.tenant, thread.id, Position(thread.parent_position - 1))
        assert row.thread == parent.run.thread, "the row is its parent's"
    assert len(await store.threads.below(branch.tenant, parent.run.thread, 5_000)) == BRANCHES + 1

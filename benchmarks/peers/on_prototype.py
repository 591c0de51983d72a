"""The floor of a durable step: rows of many runs share commits, and each run waits for its own row before the next step.

No graph, no fence, no replay: what a lean engine could reach at most. PostgreSQL by one connection, SQLite (WAL, FULL) by one thread.
"""

import asyncio
import json
import queue
import sqlite3
import threading
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

from benchmarks.lines import Order, measure, timed

WHO = "group-commit prototype"
MOST_ROWS = 1000


class Row(NamedTuple):
    run: str
    number: int
    body: str
    kept: "asyncio.Future[None]"


Put = Callable[[str, int, str], "asyncio.Future[None]"]


@asynccontextmanager
async def in_postgres(dsn: str) -> AsyncIterator[Put]:
    import asyncpg

    connection = await asyncpg.connect(dsn)
    await connection.execute("CREATE TABLE log (run text, number int, body text, PRIMARY KEY (run, number))")
    insert = await connection.prepare("INSERT INTO log SELECT * FROM unnest($1::text[], $2::int[], $3::text[])")
    waiting: list[Row] = []
    something = asyncio.Event()

    async def write() -> None:
        while True:
            await something.wait()
            batch, waiting[:] = waiting[:MOST_ROWS], waiting[MOST_ROWS:]
            if not waiting:
                something.clear()
            await insert.fetch(*([row[column] for row in batch] for column in range(3)))
            for row in batch:
                row.kept.set_result(None)

    def put(run: str, number: int, body: str) -> "asyncio.Future[None]":
        kept = asyncio.get_running_loop().create_future()
        waiting.append(Row(run, number, body, kept))
        something.set()
        return kept

    writing = asyncio.create_task(write())
    yield put
    writing.cancel()
    await connection.close()


@asynccontextmanager
async def in_sqlite(path: str) -> AsyncIterator[Put]:
    loop = asyncio.get_running_loop()
    waiting: queue.SimpleQueue[Row | None] = queue.SimpleQueue()

    def acknowledge(batch: list[Row]) -> None:
        for row in batch:
            row.kept.set_result(None)

    def write() -> None:
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE log (run text, number int, body text, PRIMARY KEY (run, number)) WITHOUT ROWID")
        while (first := waiting.get()) is not None:
            batch = [first]
            while len(batch) < MOST_ROWS and not waiting.empty():
                batch += [row for row in (waiting.get(),) if row is not None]
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO log VALUES (?, ?, ?)", [row[:3] for row in batch])
            connection.execute("COMMIT")
            loop.call_soon_threadsafe(acknowledge, batch)
        connection.close()

    def put(run: str, number: int, body: str) -> "asyncio.Future[None]":
        row = Row(run, number, body, loop.create_future())
        waiting.put(row)
        return row.kept

    writing = threading.Thread(target=write)
    writing.start()
    yield put
    waiting.put(None)
    writing.join()


async def run(put: Put, steps: int) -> None:
    name = uuid.uuid4().hex
    for number in range(steps):
        await put(name, number, json.dumps({"x": number + 1}))


async def side_by_side(order: Order) -> None:
    steps = 10
    kind, _, path = order.database.partition("://")
    async with in_sqlite(path.removeprefix("/")) if kind == "sqlite" else in_postgres(order.database) as put:

        async def all_runs() -> None:
            await asyncio.gather(*(run(put, steps) for _ in range(order.size)))

        await run(put, steps)
        order.say(WHO, await timed(all_runs, order.repetitions), order.size * steps)


async def fan_out(order: Order) -> None:
    async with in_postgres(order.database) as put:

        async def branches() -> None:
            name = uuid.uuid4().hex
            await asyncio.gather(*(put(name, number, json.dumps({"x": number + 1})) for number in range(order.size)))

        await run(put, 10)
        order.say(WHO, await timed(branches, order.repetitions), order.size)


if __name__ == "__main__":
    measure({"runs.sqlite": side_by_side, "runs.postgres": side_by_side, "fan.postgres": fan_out})

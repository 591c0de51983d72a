"""A database with a million rows of journal: how long a worker needs to load any of its threads from the newest checkpoint.

The threads are real ones of many lengths, parked in the middle of their runs, and copies of them under other names.
"""

import asyncio
import gc
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from statistics import median
from typing import Any, Final

import weft
from application.access import LOCAL_ADMIN
from application.run_orders import RunOrder
from benchmarks.lines import Order
from benchmarks.ours.documents import ADD_ONE, COUNTER, document
from benchmarks.survive.cluster import Outside, seen_from_outside
from benchmarks.survive.quantiles import milliseconds
from bootstrap import App, open_app
from domain.ids import DEFAULT_TENANT, Epoch, Position, RunId, ThreadId, WorkerId
from domain.ports.journal import Lease
from domain.ports.queue import Claim
from infrastructure.telemetry import logging
from settings import read_settings

WHO: Final = f"weft {weft.__version__}"
REAL, LONGEST = 40, 4000
LOADS, WARM = 1000, 20
TABLES: Final = ("threads", "runs", "heads", "checkpoints", "journal", "queue")
PER_COPY: Final = 50_000
"""Rows that go to the server at a time."""
Row = tuple[Any, ...]


async def million(order: Order) -> None:
    """`size`: rows of journal, at least."""
    logging.configure("warning")
    async with open_app(read_settings(database_url=order.database, log="warning")) as app, seen_from_outside(order) as outside:
        await _real_threads(app, outside)
        await _copy(outside, order.size)
        runs = await outside.connection.fetch("SELECT run, thread FROM queue")
        chosen = random.Random(7).choices([(RunId(run), ThreadId(thread)) for run, thread in runs], k=WARM + LOADS)
        gc.collect()
        seconds = [await _seconds_to_load(app, *one) for one in chosen][WARM:]
        rows = await outside.value("SELECT count(*) FROM journal")
    found = milliseconds(seconds)
    order.say(WHO, [median(seconds)], **{**found, "details": {**found["details"], "rows": rows, "threads": len(runs)}})


async def _real_threads(app: App, outside: Outside) -> None:
    """Each visits a node many times, and then waits for a signal that does not come."""
    working = asyncio.create_task(app.work())
    await app.desk.publish_workflow(LOCAL_ADMIN, _waiting_in_the_end())
    for number in range(REAL):
        visits = 10 + LONGEST * number // REAL
        await app.desk.start_run(LOCAL_ADMIN, RunOrder(workflow="measured", input={"visits": visits}))
    await outside.until("SELECT count(*) = $1 FROM journal WHERE kind = 'node_parked'", REAL)
    app.worker.stop()
    await working


def _waiting_in_the_end() -> dict[str, Any]:
    again = {"from": "n", "edge_type": "flexible_conditional", "route": [{"when": "state.x < input.visits", "to": "n"}], "otherwise": "w"}
    nodes = {"n": ADD_ONE, "w": {"kind": "wait", "signal": "never"}}
    found = document(COUNTER, nodes, [{"from": "start", "to": "n"}, again, {"from": "w", "to": "end"}])
    return {**found, "limits": {"steps": LONGEST + 20, "visits": LONGEST + 20}}


async def _copy(outside: Outside, size: int) -> None:
    """All threads once more, and again, until there are enough rows."""
    originals = [await _Original.of(outside, table) for table in TABLES]
    names = {row["thread"]: row["run"] for row in await outside.connection.fetch("SELECT thread, run FROM queue")}
    events = await outside.value("SELECT count(*) FROM journal")
    copies = range(1, -(-size // events))
    for original in originals:
        for rows in _in_portions(original.copies(copies, names)):
            await outside.connection.copy_records_to_table(original.table, records=rows, columns=original.columns)
    await outside.connection.execute("VACUUM ANALYZE")


@dataclass(frozen=True)
class _Original:
    """The rows of one table. Its columns are those that a row must bring."""

    table: str
    columns: Sequence[str]
    rows: Sequence[Row]

    @classmethod
    async def of(cls, outside: Outside, table: str) -> "_Original":
        rows = [dict(row) for row in await outside.connection.fetch(f"TABLE {table}")]
        columns = [name for name in rows[0] if (table, name) != ("queue", "number")]
        return cls(table, columns, [tuple(row[name] for name in columns) for row in rows])

    def copies(self, numbers: Sequence[int], names: dict[str, str]) -> Iterator[Row]:
        """Every thread and every run has a name of its own, also where it is named within a body."""
        for number in numbers:
            other = {name: _renamed(name, number) for pair in names.items() for name in pair}
            for row in self.rows:
                yield tuple(_under(value, other) for value in row)


def _renamed(name: str, number: int) -> str:
    """As long as it was."""
    return f"{number:06x}{name[6:]}"


def _under(value: Any, other: dict[str, str]) -> Any:
    if isinstance(value, bytes) and b'"run":"' in value:
        before, mark, rest = value.partition(b'"run":"')
        name, end, after = rest.partition(b'"')
        return b"".join((before, mark, other.get(name.decode(), name.decode()).encode(), end, after))
    return other.get(value, value) if isinstance(value, str) else value


def _in_portions(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while portion := list(islice(rows, PER_COPY)):
        yield portion


async def _seconds_to_load(app: App, run: RunId, thread: ThreadId) -> float:
    """What a worker does with a run that it has claimed, before it goes on with it."""
    store, load = app.shared.store(), app.shared.engine().load
    lease = Lease(DEFAULT_TENANT, thread, run, Epoch(1), WorkerId("loading"))
    claim = Claim(lease, await store.runs.get(DEFAULT_TENANT, run), Position(await store.journal.end(DEFAULT_TENANT, thread)))
    began = time.perf_counter()
    loaded = await load(claim)
    took = time.perf_counter() - began
    assert loaded.state is not None
    assert (loaded.state.run, loaded.position) == (run, claim.position)
    return took

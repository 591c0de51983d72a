"""How long a question to a history of 100,000 records takes, and what a record costs whoever is in it, on both databases.

    python -m benchmarks.history [--records 100000] [--reads 200]

Half as many calls stand in the ledger and a tenth as many runs beside them. Writes benchmarks/results/history.json and the table of
docs/benchmarks.md unless it was made smaller; prints the JSON. Ends with 1 when a bound is missed.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from benchmarks.machine import described, load
from benchmarks.page import PAGE, put, table
from benchmarks.survive.quantiles import milliseconds
from domain.graph.definition import Graph
from domain.history import Capture, HistoryRecord, RecordType
from domain.ids import DEFAULT_TENANT, ActivationPath, ContentHash, Epoch, RunId, SessionId, ThreadId
from domain.ports.history import HistoryQuery
from domain.run.run import Run, RunStatus
from domain.usage import Money, Usage, UsageRow
from infrastructure.clock import SystemClock
from infrastructure.history.writing import GroupedHistory
from infrastructure.ids import new_id
from infrastructure.secrets.patterns import Patterns
from infrastructure.secrets.redactor import Redactor
from infrastructure.store.open import open_store
from infrastructure.store.store import Store
from tests.servers.postgres import binaries, running_postgres

LATEST: Final = Path(__file__).parent / "results" / "history.json"
RECORDS, READS, MOST_MS = 100_000, 200, 50.0
SESSIONS, MODELS, TOGETHER = 500, 20, 1_000
START: Final = datetime(2026, 1, 1, tzinfo=UTC)
MIDDLE: Final = START + timedelta(seconds=RECORDS // 2)
TEXT: Final = "The invoice of the customer says that the delivery was late, and asks for a part of the money back. " * 10
QUESTIONS: Final = {
    "the newest": HistoryQuery(),
    "an hour in the middle": HistoryQuery(since=MIDDLE, until=MIDDLE + timedelta(hours=1)),
    "a type": HistoryQuery(RecordType.LLM_RESPONSE),
    "a run": HistoryQuery(run=RunId("run-77")),
    "a session": HistoryQuery(session=SessionId("session-7")),
    "a model": HistoryQuery(model="model-7"),
    "a model, a type and a day": HistoryQuery(RecordType.COST_RECORD, model="model-7", since=MIDDLE, until=MIDDLE + timedelta(days=1)),
    "a text that is nowhere, one page": HistoryQuery(text="nowhere to be found"),
}


@dataclass(frozen=True)
class Found:
    database: str
    question: str
    p50_ms: float
    p99_ms: float
    worst_ms: float

    @property
    def is_met(self) -> bool:
        return self.p99_ms <= MOST_MS


def main() -> int:
    asked = _asked()
    found: list[Found] = []
    costs: dict[str, float] = {}
    with TemporaryDirectory() as folder, running_postgres(Path(folder) / "server") as server:
        for name, url in (("SQLite", f"sqlite:///{folder}/weft.db"), ("PostgreSQL", server.dsn("postgres"))):
            rows, costs[name] = asyncio.run(_measured(name, url, asked.records, asked.reads))
            found += rows
        machine = {**described(str(binaries()[0])), "load": load()}
    report = {"machine": machine, "records": asked.records, "microseconds_a_record": costs, "questions": [asdict(row) for row in found]}
    print(json.dumps(report, indent=1))
    if (asked.records, asked.reads) == (RECORDS, READS):
        LATEST.write_text(json.dumps(report, indent=1) + "\n")
        put(PAGE, "history", text_of(machine, found, costs))
    return 0 if all(row.is_met for row in found) else 1


def text_of(machine: dict[str, Any], found: Sequence[Found], costs: dict[str, float]) -> str:
    """The part of the page between the markers."""
    where = f"{machine['date']}. {machine['cores']} cores of {machine['processor']}, SQLite {machine['sqlite']}, "
    where += f"PostgreSQL {machine['postgres']} (fsync on). Processes that wanted to run in the last minute: {machine['load']:g}."
    rows = [(row.question, row.database, f"{row.p50_ms:.1f}", f"{row.p99_ms:.1f}", f"≤ {MOST_MS:g}") for row in found]
    told = ", ".join(f"{cost:.0f} microseconds with {name}" for name, cost in costs.items())
    return f"{where}\n\n{table(('question', 'database', 'p50, ms', 'p99, ms', 'demanded'), rows)}\n\nA record costs the process {told}."


async def _measured(name: str, url: str, records: int, reads: int) -> tuple[list[Found], float]:
    async with _filled(url, records) as store:
        found = [await _asked_often(store, name, question, reads) for question in QUESTIONS]
        return found, await _written(store)


async def _asked_often(store: Store, name: str, question: str, reads: int) -> Found:
    took = []
    for _ in range(reads + 5):
        began = time.perf_counter()
        await store.history.query(DEFAULT_TENANT, QUESTIONS[question], 50, None)
        took.append(time.perf_counter() - began)
    told = milliseconds(took[5:])
    return Found(name, question, round(told["value"], 2), round(told["details"]["p99"], 2), round(told["details"]["worst"], 2))


async def _written(store: Store) -> float:
    """Processor time of this process, from the note to the row."""
    redactor = Redactor(Patterns({"email": r"[\w.+-]{1,64}@[\w-]{1,63}(\.[a-z]{2,24}){1,4}"}))
    for number in range(20):
        redactor.remember(f"secret{number}", f"{number:02}-a-secret-that-nobody-says")
    history = GroupedHistory(store.history, redactor.in_history)
    began = time.process_time()
    for number in range(5_000):
        history.note(replace(_record(number), id=new_id(), data={"node": "ask"}), {"text": TEXT}, Capture.ON)
        if number % 50 == 0:
            await asyncio.sleep(0)
    await history.close()
    return (time.process_time() - began) / 5_000 * 1e6


@asynccontextmanager
async def _filled(url: str, records: int) -> AsyncIterator[Store]:
    async with open_store(
        url, parse=lambda document: Graph("", "", {}, ()), clock=SystemClock(), on_committed=lambda rows, took: None
    ) as store:
        for first in range(0, records, TOGETHER):
            await store.history.save([_record(number) for number in range(first, first + TOGETHER)])
        for first in range(0, records // 2, TOGETHER // 2):
            await store.usage.count([_line(number) for number in range(first, first + TOGETHER // 2)])
        await _put_runs(store, records // 10)
        yield store


def _record(number: int) -> HistoryRecord:
    kind = (RecordType.LLM_REQUEST, RecordType.LLM_RESPONSE, RecordType.TOOL_EXECUTION)[number % 3]
    at, run = START + timedelta(seconds=number), RunId(f"run-{number // 10}")
    data = {"node": "ask", "capture": "on", "content": {"text": f"{number} {TEXT}"}}
    return HistoryRecord(
        f"{number:036}", kind, at, DEFAULT_TENANT, run, "ann", f"session-{number % SESSIONS}", f"model-{number % MODELS}", data
    )


def _line(number: int) -> UsageRow:
    about = (DEFAULT_TENANT, ThreadId("t"), RunId(f"run-{number // 5}"), "bench@1.0.0", ActivationPath(f"/ask#{number}"), 0, 1, Epoch(1))
    used = Usage(f"model-{number % MODELS}", 100, 50, Money(Decimal("0.00012")))
    at = (START + timedelta(seconds=2 * number)).timestamp()
    return replace(UsageRow(*about, used), session=f"session-{number % SESSIONS}", user="ann", at=at)


async def _put_runs(store: Store, count: int) -> None:
    """As they are once they have ended."""
    from infrastructure.store.history import KeptHistory
    from infrastructure.store.rows import RUN_COLUMNS, run_row

    assert isinstance(store.history, KeptHistory)
    places = ", ".join(f"${place}" for place in range(1, len(RUN_COLUMNS.split(", ")) + 1))
    for run in _runs(count):
        await store.history.reader.rows(f"INSERT INTO runs ({RUN_COLUMNS}) VALUES ({places})", *run_row(run))  # noqa: S608 - no value in it


def _runs(count: int) -> Iterator[Run]:
    for number in range(count):
        at = START + timedelta(seconds=10 * number)
        about = (RunId(f"run-{number}"), DEFAULT_TENANT, ThreadId(f"t-{number}"), "bench@1.0.0", ContentHash("c" * 64), {"text": TEXT}, at)
        yield Run(*about, RunStatus.COMPLETED, started_at=at, ended_at=at + timedelta(seconds=5), output={"text": TEXT})


def _asked(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=RECORDS)
    parser.add_argument("--reads", type=int, default=READS)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())

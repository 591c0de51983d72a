"""How long a question about a million calls takes, and what keeping their sums adds to writing them, on SQLite and PostgreSQL.

    python -m benchmarks.usage [--lines 1000000]

Writes benchmarks/results/usage.json and the table of docs/benchmarks.md when as many lines as always were asked for; prints the JSON. Ends
with 1 when the bound is missed.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

import asyncpg

from application.access import LOCAL_ADMIN
from application.documents import parse_graph
from application.usage import UsageDesk, UsageOrder
from benchmarks.machine import described
from benchmarks.page import PAGE, put, table
from benchmarks.usage_ledgers import opened, postgres_ledger, sqlite_ledger
from domain.ids import ActivationPath, Epoch, RunId, TenantId, ThreadId
from domain.usage import Money, Usage, UsageRow, UsageState
from infrastructure.clock import SystemClock
from infrastructure.store.open import open_store
from infrastructure.store.usage_rows import USAGE_COLUMNS, usage_row
from tests.servers.postgres import binaries, running_postgres

LATEST: Final = Path(__file__).parent / "results" / "usage.json"
LINES: Final = 1_000_000
MOST_MS: Final = 100.0
WRITERS: Final = 4
QUESTIONS: Final = {
    "by day and model": {"group_by": "day,model"},
    "by day and model, 30 days": {"group_by": "day,model", "since": "2026-02-01T00:00:00Z", "until": "2026-03-03T00:00:00Z"},
    "by workflow and node": {"group_by": "workflow,node"},
    "by session": {"group_by": "session"},
}
ASKED: Final = 31
TURNS: Final = 10
BATCHES: Final = 40
PLANNED: Final = 8
BATCH: Final = 32
# The lines of one of four writers. 90 days of 2026, 20 workflows of 3 nodes with 2 models each, of 8 models; 2,000 sessions, which pass.
_LINES: Final = f"""INSERT INTO usage ({USAGE_COLUMNS})
    SELECT 'default', 'thread', 'run-{{writer}}-' || n, 'workflow-' || (n % 20), '/ask#1', 0, 1, 1,
        'provider/model-' || ((n % 20 * 3 + n / 20 % 3 + n / 60 % 2) % 8), 900, 100, '0.001234567', 'USD', false, 'counted',
        'node-' || (n / 20 % 3), '', 'session-' || (n % 20 * 100 + n * 100 / {{share}}), 'user', 0, 0,
        ({{day}}) * 86400, {{day}}, 0, 1234567, 0"""
_DAY: Final = "20454 + n * 90 / {share}"
_SERIES: Final = {
    "sqlite": "FROM (WITH RECURSIVE s(n) AS (VALUES(?) UNION ALL SELECT n + 1 FROM s WHERE n < ?) SELECT n FROM s)",
    "postgres": "FROM generate_series($1::bigint, $2::bigint) AS s(n)",
}


def main() -> int:
    asked = _arguments()
    report: dict[str, Any] = {"machine": described(str(binaries()[0])), "lines": asked.lines, "most_p50_ms": MOST_MS}
    for name, places in (("sqlite", _sqlite), ("postgres", _postgres)):
        with places() as url:
            report[name] = asyncio.run(_measured(name, url, asked.lines))
    print(json.dumps(report, indent=1))
    if asked.lines == LINES:
        LATEST.write_text(json.dumps(report, indent=1) + "\n")
        put(PAGE, "usage", text_of(report))
    slowest = max(report[name]["ms"]["by day and model"] for name in _SERIES)
    return 0 if slowest <= MOST_MS else 1


def text_of(report: dict[str, Any]) -> str:
    """The part of the page between the markers."""
    machine = report["machine"]
    databases = f"SQLite {machine['sqlite']}, PostgreSQL {machine['postgres']}"
    where = f"{machine['date']}. {machine['cores']} cores of {machine['processor']}, {databases}."
    head = ("", "SQLite", "PostgreSQL", "demanded")
    found = [
        (f"{said}, p50, ms", *(f"{report[name]['ms'][said]:.1f}" for name in _SERIES), f"≤ {MOST_MS:g}" if not number else "")
        for number, said in enumerate(QUESTIONS)
    ]
    added = ("what keeping the sums adds to a call's lines, µs", *(f"{report[name]['added_us']:.1f}" for name in _SERIES), "")
    rows = (f"rows that sums of {report['lines']:,} lines take", *(f"{report[name]['rows']:,}" for name in _SERIES), "")
    return f"{where}\n\n{table(head, [*found, added, rows])}"


async def _measured(name: str, url: str, lines: int) -> dict[str, Any]:
    async with open_store(url, parse=parse_graph, clock=SystemClock(), on_committed=lambda *_: None) as store:
        added = await _added(name, url)
        await (_fill_postgres(url, lines) if name == "postgres" else asyncio.to_thread(_fill_sqlite, url, lines))
        desk = UsageDesk(store.sums, store.runs, store.workflows)
        took = {said: await _asked(desk, question, lines) for said, question in QUESTIONS.items()}
        return {"ms": took, "added_us": added, "rows": await _rows(name, url)}


async def _asked(desk: UsageDesk, question: dict[str, str], lines: int) -> float:
    """Median milliseconds, what the first ones warm up left out. Every line must be in the answer."""
    order, took = UsageOrder.model_validate(question), []
    for _ in range(ASKED):
        began = time.perf_counter()
        report = await desk.report(LOCAL_ADMIN, order)
        took.append((time.perf_counter() - began) * 1000)
        if "since" not in question and report.total.calls != lines:
            raise RuntimeError(f"{report.total.calls} of {lines} lines were counted")
    return median(took[5:])


async def _added(name: str, url: str) -> float:
    """Microseconds for what is written of a call, first that it is reserved and then what it used, in batches with other calls: with
    triggers and without, in turns, not waiting for the disk. The first batches of each turn make plans."""
    took: dict[bool, list[float]] = {True: [], False: []}
    async with (postgres_ledger if name == "postgres" else sqlite_ledger)(url) as ledger:
        for turn in range(TURNS):
            is_on = turn % 2 == 0
            await ledger.watch(is_on)
            for batch in range(BATCHES):
                lines = [_line(turn * BATCHES + batch, number) for number in range(BATCH)]
                written = [[usage_row(replace(line, state=state)) for line in lines] for state in (UsageState.RESERVED, UsageState.COUNTED)]
                began = time.perf_counter()
                for rows in written:
                    await ledger.write(rows)
                if batch >= PLANNED:
                    took[is_on].append((time.perf_counter() - began) / BATCH * 1e6)
        await ledger.watch(True)
        for table_name in ("usage", "usage_days", "usage_sessions"):
            await ledger.empty(table_name)
    return median(took[True]) - median(took[False])


def _line(batch: int, number: int) -> UsageRow:
    about = (TenantId("default"), ThreadId("t"), RunId(f"r{batch}-{number}"), f"w{number % 4}", ActivationPath("/ask#1"), 0, 1, Epoch(1))
    used = Usage("provider/model", 900, 100, Money(Decimal("0.001234567")))
    return UsageRow(*about, used, UsageState.COUNTED, f"session-{number % 10}", "user", 1.77e9)


async def _fill_postgres(url: str, lines: int) -> None:
    """By several at once, as by so many workers: each has sums of its own."""

    async def fill(writer: int) -> None:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(_written(writer, lines, "postgres"), 0, lines // WRITERS - 1, timeout=600)
        finally:
            await connection.close()

    await asyncio.gather(*map(fill, range(WRITERS)))
    await _on_postgres(url, "VACUUM ANALYZE")


def _fill_sqlite(url: str, lines: int) -> None:
    with closing(opened(url)) as connection:
        for writer in range(WRITERS):
            connection.execute(_written(writer, lines, "sqlite"), (0, lines // WRITERS - 1))


def _written(writer: int, lines: int, name: str) -> str:
    share = lines // WRITERS
    return f"{_LINES.format(writer=writer, share=share, day=_DAY.format(share=share))} {_SERIES[name]}"


async def _rows(name: str, url: str) -> int:
    question = "SELECT (SELECT count(*) FROM usage_days) + (SELECT count(*) FROM usage_sessions)"
    if name == "postgres":
        connection = await asyncpg.connect(url)
        try:
            return int(await connection.fetchval(question))
        finally:
            await connection.close()
    with closing(opened(url)) as connection:
        return int(connection.execute(question).fetchone()[0])


async def _on_postgres(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement, timeout=600)
    finally:
        await connection.close()


def _on_sqlite(url: str, statement: str) -> None:
    with closing(opened(url)) as connection:
        connection.execute(statement)


@contextmanager
def _sqlite() -> Iterator[str]:
    with TemporaryDirectory() as folder:
        yield f"sqlite:///{folder}/measured.db"


@contextmanager
def _postgres() -> Iterator[str]:
    with TemporaryDirectory() as folder, running_postgres(Path(folder)) as server:
        yield server.dsn("postgres")


def _arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=LINES)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())

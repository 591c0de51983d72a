"""How long it takes to look back into a thread of 10,000 rows, on PostgreSQL.

    python -m benchmarks.threads [--rows 10000] [--reads 1000] [--only NAME] [--database postgresql://...]

Without a database it starts a server of its own. Writes benchmarks/results/threads.json and the table of docs/benchmarks.md when nothing
was left out or made smaller; prints the JSON. Ends with 1 when a bound is missed.
"""

import argparse
import asyncio
import json
import random
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from application.access import LOCAL_ADMIN
from application.branch_orders import BranchOrder
from application.checkpoints import CHECKPOINT_ROWS
from application.looking_back import HistoryOrder
from application.run_orders import RunOrder
from application.threads import ThreadOrder
from benchmarks.machine import described
from benchmarks.ours.measured import Measured, measured
from benchmarks.page import PAGE, put, table
from benchmarks.survive.quantiles import milliseconds
from domain.ids import DEFAULT_TENANT, Position, ThreadId
from domain.thread import Thread, ThreadType
from infrastructure.ids import new_id
from tests.servers.postgres import binaries, running_postgres

LATEST: Final = Path(__file__).parent / "results" / "threads.json"
ROWS, READS = 10_000, 1_000
STEPS_OF_A_TURN: Final = 8
"""A turn has two rows more: its first and its last."""
BRANCHES: Final = 4
HALF_A_CHECKPOINT: Final = CHECKPOINT_ROWS // 2
"""So many rows stand behind the newest one when the state of now is read."""

Look = Callable[[str, random.Random], Awaitable[object]]
"""Looks once, anywhere in the thread of that id."""


@dataclass(frozen=True)
class Site:
    """A desk over a filled database: threads of `rows` rows and more."""

    ours: Measured
    rows: int
    one_run: str
    turns: str
    branch: str

    async def read_state(self, thread: str, anywhere: random.Random) -> None:
        await self.ours.app.desk.past.state(LOCAL_ADMIN, thread, anywhere.randint(0, self.rows))

    async def read_now(self, thread: str, anywhere: random.Random) -> None:
        await self.ours.app.desk.past.state(LOCAL_ADMIN, thread)

    async def compare(self, thread: str, anywhere: random.Random) -> None:
        await self.ours.app.desk.past.difference(LOCAL_ADMIN, thread, anywhere.randint(0, self.rows), anywhere.randint(0, self.rows))

    async def read_history(self, thread: str, anywhere: random.Random) -> None:
        order = HistoryOrder(after=anywhere.randint(0, self.rows), limit=50)
        await self.ours.app.desk.past.history(LOCAL_ADMIN, thread, order)

    async def branch_off(self, thread: str, anywhere: random.Random) -> None:
        await self.ours.app.desk.branch_thread(LOCAL_ADMIN, thread, BranchOrder(at=anywhere.randint(0, self.rows)))


@dataclass(frozen=True)
class Case:
    """`thread`: which of the site's. `most_ms`: the bound of the time that 99 of 100 looks stay below; None: shown without a bound."""

    name: str
    thread: Callable[[Site], str]
    look: Callable[[Site], Look]
    most_ms: float | None = None


CASES: Final = (
    Case("state anywhere, one run", lambda site: site.one_run, lambda site: site.read_state, 30),
    Case("state anywhere, a run per turn", lambda site: site.turns, lambda site: site.read_state, 30),
    Case("state anywhere, a branch of branches", lambda site: site.branch, lambda site: site.read_state, 30),
    Case("state now, a run per turn", lambda site: site.turns, lambda site: site.read_now, 30),
    Case("difference of any two", lambda site: site.turns, lambda site: site.compare),
    Case("50 entries of the history from anywhere on", lambda site: site.turns, lambda site: site.read_history),
    Case("a branch from anywhere", lambda site: site.turns, lambda site: site.branch_off, 5),
    Case("a branch from anywhere, of a branch of branches", lambda site: site.branch, lambda site: site.branch_off, 5),
)


@dataclass(frozen=True)
class Found:
    case: str
    p50_ms: float
    p99_ms: float
    worst_ms: float
    looks: int
    most_ms: float | None

    @property
    def is_met(self) -> bool:
        return self.most_ms is None or self.p99_ms <= self.most_ms


def main() -> int:
    asked = _asked()
    with _database(asked.database) as url:
        found = asyncio.run(_measured(url, asked))
    report = {"machine": described(str(binaries()[0])), "rows": asked.rows, "cases": [asdict(row) for row in found]}
    print(json.dumps(report, indent=1))
    if not asked.only and (asked.rows, asked.reads) == (ROWS, READS):
        LATEST.write_text(json.dumps(report, indent=1) + "\n")
        put(PAGE, "threads", text_of(report["machine"], found))
    missed = [row.case for row in found if not row.is_met]
    for name in missed:
        print(f"missed: {name}", file=sys.stderr)
    return 1 if missed else 0


def text_of(machine: dict[str, Any], found: Sequence[Found]) -> str:
    """The part of the page between the markers."""
    where = f"{machine['date']}. {machine['cores']} cores of {machine['processor']}, PostgreSQL {machine['postgres']} (fsync on)."
    head = ("look", "p50, ms", "p99, ms", "longest, ms", "demanded of p99")
    rows = [
        (row.case, f"{row.p50_ms:.1f}", f"{row.p99_ms:.1f}", f"{row.worst_ms:.1f}", "" if row.most_ms is None else f"≤ {row.most_ms:g}")
        for row in found
    ]
    return f"{where}\n\n{table(head, rows)}"


async def _measured(url: str, asked: argparse.Namespace) -> list[Found]:
    async with _filled(url, asked.rows) as site:
        return [await _looked(site, case, asked.reads) for case in CASES if asked.only in ("", case.name)]


async def _looked(site: Site, case: Case, looks: int) -> Found:
    """One after the other, as somebody who clicks; each at a place of its own."""
    anywhere, look, thread = random.Random(7), case.look(site), case.thread(site)
    for _ in range(min(20, looks)):
        await look(thread, anywhere)
    took = [await _seconds(look(thread, anywhere)) for _ in range(looks)]
    told = milliseconds(took)
    return Found(
        case.name, round(told["value"], 2), round(told["details"]["p99"], 2), round(told["details"]["worst"], 2), looks, case.most_ms
    )


async def _seconds(looking: Awaitable[object]) -> float:
    began = time.perf_counter()
    await looking
    return time.perf_counter() - began


@asynccontextmanager
async def _filled(url: str, rows: int) -> AsyncIterator[Site]:
    """A thread of one run, one of many turns, and one that left another that left another, which all have so many rows."""
    async with measured(url, talk(rows)) as ours:
        (run,) = await ours.runs(1, {"steps": rows - 2})
        one_run = (await ours.app.desk.get_run(LOCAL_ADMIN, run)).thread_id
        turns = (await ours.app.desk.open_thread(LOCAL_ADMIN, ThreadOrder())).id
        await _take_turns(ours, turns, (rows + HALF_A_CHECKPOINT) // (STEPS_OF_A_TURN + 2))
        branch = turns
        for number in range(BRANCHES):
            branch = await _branch(ours, branch, rows * (number + 1) // (BRANCHES + 1))
            await _take_turns(ours, branch, rows // (STEPS_OF_A_TURN + 2) // (BRANCHES + 1) + 1)
        site = Site(ours, rows, one_run, turns, branch)
        for thread in (one_run, turns, branch):
            end = (await ours.app.desk.past.state(LOCAL_ADMIN, thread)).end
            if end < rows:
                raise RuntimeError(f"thread {thread} has {end} rows, not {rows}")
        yield site


async def _take_turns(ours: Measured, thread: str, turns: int) -> None:
    ours.meter.expect(turns)
    order = RunOrder(workflow="measured", input={"steps": STEPS_OF_A_TURN, "x": 0}, thread_id=thread)
    for _ in range(turns):
        await ours.app.desk.start_run(LOCAL_ADMIN, order)
    await ours.meter.all_over()


async def _branch(ours: Measured, parent: str, at: int) -> str:
    made = Thread(ThreadId(new_id()), DEFAULT_TENANT, datetime.now(UTC), ThreadType.BRANCH)
    await ours.app.shared.store().threads.add(replace(made, parent=ThreadId(parent), parent_position=Position(at)))
    return made.id


def talk(most: int) -> dict[str, Any]:
    """One node again and again, which counts and writes a short message, of which the newest 20 or so stay."""
    again = {"from": "n", "edge_type": "flexible_conditional", "route": [{"when": "state.x < input.steps", "to": "n"}], "otherwise": "end"}
    message = "${{'id': string(state.total % 20), 'role': 'user', 'content': 'message ' + string(state.total)}}"
    return {
        "weft": 1,
        "name": "measured",
        "version": "1.0.0",
        "limits": {"steps": most + 1, "visits": most + 1},
        "state": {
            "x": {"type": "integer", "default": 0},
            "total": {"type": "integer", "default": 0, "merge": "add"},
            "messages": {"type": "array", "merge": "messages", "default": []},
        },
        "output": {"x": "${state.x}"},
        "nodes": {"n": {"kind": "transform", "writes": {"x": "${state.x + 1}", "total": "${1}", "messages": message}}},
        "edges": [{"from": "start", "to": "n"}, again],
    }


@contextmanager
def _database(given: str | None) -> Iterator[str]:
    if given is not None:
        yield given
        return
    with TemporaryDirectory() as folder, running_postgres(Path(folder)) as server:
        yield server.dsn("postgres")


def _asked(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--reads", type=int, default=READS)
    parser.add_argument("--only", default="")
    parser.add_argument("--database")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())

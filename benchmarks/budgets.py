"""What budgets cost a durable step: a hundred runs at once, with no budget and with some.

    python -m benchmarks.budgets [--rounds 5]

On SQLite and on PostgreSQL, in one process. A step is a call of the offline model, reserved, made and settled, and its row. The three take
turns, and each is compared with the one without a budget in the same round: the median of the rounds. Writes
benchmarks/results/budgets.json and the table of docs/benchmarks.md when at least as many rounds as always were asked for; prints the JSON.
Ends with 1 when the bound is missed.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

from application.access import local_admin
from application.budgets.orders import BudgetOrder
from application.budgets.purse import FRESH_SECONDS
from application.run_orders import RunOrder
from benchmarks.machine import described
from benchmarks.page import PAGE, put, table
from bootstrap import App, open_app
from domain.access import Principal
from domain.run.run import RunStatus
from settings import read_settings
from tests.servers.postgres import binaries, running_postgres

DATABASES: Final = ("sqlite", "postgres")
RUNS: Final = 100
STEPS: Final = 10
ROUNDS: Final = 5
MOST_PERCENT: Final = 15.0
LATEST: Final = Path(__file__).parent / "results" / "budgets.json"
BUDGETS: Final[dict[str, list[dict[str, Any]]]] = {
    "none": [],
    "one": [{"name": "all", "limit": {"amount": "1000"}, "per": "day"}],
    "three": [
        {"name": "all", "limit": {"amount": "1000"}, "per": "day"},
        {"name": "workflow", "limit": {"tokens": 10**12}, "scope": {"workflow": "steps"}, "per": "month"},
        {"name": "run", "limit": {"amount": "10"}, "per": "run"},
    ],
}


def steps() -> dict[str, Any]:
    call = {"kind": "llm", "model": "scripted/echo", "prompt": "hello", "max_tokens": 50}
    names = ["start", *(f"s{number}" for number in range(STEPS))]
    edges = [{"from": one, "to": other} for one, other in pairwise(names)]
    return {"weft": 1, "name": "steps", "version": "1.0.0", "nodes": dict.fromkeys(names[1:], call), "edges": edges}


class Took(NamedTuple):
    """Microseconds a step: of the clock, and of the processor in this process."""

    wall: float
    cpu: float


Rounds = Mapping[str, Sequence[Took]]
"""By what budgets there were; every one has as many."""


def main() -> int:
    rounds = _arguments().rounds
    report = {"machine": described(str(binaries()[0])), "rounds": rounds, "most_percent": MOST_PERCENT, **_measured(rounds)}
    print(json.dumps(report, indent=1))
    if rounds >= ROUNDS:
        LATEST.write_text(json.dumps(report, indent=1) + "\n")
        put(PAGE, "budgets", text_of(report))
    return 0 if max(report[name]["one"]["more_percent"] for name in DATABASES) <= MOST_PERCENT else 1


def figures(rounds: Rounds) -> dict[str, dict[str, float]]:
    """Of each: the median microseconds of a step, and by how many percent it took longer than without a budget."""
    return {
        name: {
            "wall_us": round(statistics.median(one.wall for one in took), 1),
            "cpu_us": round(statistics.median(one.cpu for one in took), 1),
            "more_percent": _more([one.wall for one in took], [one.wall for one in rounds["none"]]),
            "more_cpu_percent": _more([one.cpu for one in took], [one.cpu for one in rounds["none"]]),
        }
        for name, took in rounds.items()
    }


def text_of(report: Mapping[str, Any]) -> str:
    """The part of the page between the markers."""
    machine = report["machine"]
    where = f"{machine['date']}, rounds: {report['rounds']}. {machine['cores']} cores of {machine['processor']}, "
    head = ("", "budgets", "µs a step", "more", "of the processor, µs", "more", "demanded")
    rows = [
        (
            name,
            wanted,
            f"{found['wall_us']:.0f}",
            f"{found['more_percent']:+.1f} %",
            f"{found['cpu_us']:.0f}",
            f"{found['more_cpu_percent']:+.1f} %",
            f"≤ {MOST_PERCENT:g} %" if wanted == "one" else "",
        )
        for name in DATABASES
        for wanted, found in report[name].items()
    ]
    return f"{where}SQLite {machine['sqlite']}, PostgreSQL {machine['postgres']} (fsync on).\n\n{table(head, rows)}"


def _more(took: Sequence[float], without: Sequence[float]) -> float:
    return round(100 * (statistics.median(one / other for one, other in zip(took, without, strict=True)) - 1), 1)


def _measured(rounds: int) -> dict[str, dict[str, dict[str, float]]]:
    with TemporaryDirectory() as folder, running_postgres(Path(folder)) as server:
        urls = (f"sqlite:///{Path(folder) / 'b.db'}", server.dsn("postgres"))
        return {name: figures(asyncio.run(_rounds(url, rounds))) for name, url in zip(DATABASES, urls, strict=True)}


async def _rounds(url: str, rounds: int) -> Rounds:
    async with AsyncExitStack() as stack:
        app = await stack.enter_async_context(open_app(read_settings(database_url=url)))
        working = asyncio.create_task(app.work())
        who, took = local_admin("default"), {name: list[Took]() for name in BUDGETS}
        for number in range(rounds + 1):
            for name, wanted in BUDGETS.items():
                made = [await app.desk.budgets.create(who, BudgetOrder.model_validate(one)) for one in wanted]
                await asyncio.sleep(FRESH_SECONDS + 0.1)  # every process knows of them by then
                found = await _round(app, who)
                if number:
                    took[name].append(found)
                for one in made:
                    await app.desk.budgets.remove(who, one.id)
        app.worker.stop()
        await working
    return took


async def _round(app: App, who: Principal) -> Took:
    document = steps()
    began, worked = time.perf_counter(), time.process_time()
    started = await asyncio.gather(*(app.desk.start_run(who, RunOrder.model_validate({"workflow": document})) for _ in range(RUNS)))
    for run in started:
        found, _ = await app.desk.wait_for_run(who, run.view.id, 60.0)
        if found.status is not RunStatus.COMPLETED:
            raise RuntimeError(f"a run did not complete: {found}")
    took = Took(time.perf_counter() - began, time.process_time() - worked)
    return Took(*(seconds / (RUNS * STEPS) * 1e6 for seconds in took))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

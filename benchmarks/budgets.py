"""What budgets cost a durable step: a hundred runs at once, with no budget and with some: python -m benchmarks.budgets

On SQLite and on PostgreSQL, in one process. A step is a call of the offline model, reserved, made and settled, and its row. Rounds of the
three take turns; the median of the rounds, in microseconds a step, and how much more than without a budget.
"""

import asyncio
import statistics
import time
from contextlib import AsyncExitStack
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from application.access import local_admin
from application.budgets.orders import BudgetOrder
from application.run_orders import RunOrder
from bootstrap import App, open_app
from domain.access import Principal
from domain.run.run import RunStatus
from settings import read_settings
from tests.servers.postgres import running_postgres

RUNS: Final = 100
STEPS: Final = 10
ROUNDS: Final = 3
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


async def round_of(app: App, who: Principal) -> float:
    """Microseconds a step."""
    document = steps()
    began = time.perf_counter()
    started = await asyncio.gather(*(app.desk.start_run(who, RunOrder.model_validate({"workflow": document})) for _ in range(RUNS)))
    for run in started:
        found, _ = await app.desk.wait_for_run(who, run.view.id, 60.0)
        assert found.status is RunStatus.COMPLETED, found
    return (time.perf_counter() - began) / (RUNS * STEPS) * 1e6


async def measured(url: str) -> dict[str, float]:
    async with AsyncExitStack() as stack:
        app = await stack.enter_async_context(open_app(read_settings(database_url=url)))
        working = asyncio.create_task(app.work())
        who, took = local_admin("default"), {name: list[float]() for name in BUDGETS}
        for number in range(ROUNDS + 1):
            for name, wanted in BUDGETS.items():
                made = [await app.desk.budgets.create(who, BudgetOrder.model_validate(one)) for one in wanted]
                await asyncio.sleep(0.6)
                seconds = await round_of(app, who)
                if number:
                    took[name].append(seconds)
                for one in made:
                    await app.desk.budgets.remove(who, one.id)
        app.worker.stop()
        await working
    return {name: statistics.median(found) for name, found in took.items()}


def main() -> None:
    with TemporaryDirectory() as folder, running_postgres(Path(folder)) as server:
        for name, url in (("sqlite", f"sqlite:///{Path(folder) / 'b.db'}"), ("postgres", server.dsn("postgres"))):
            found = asyncio.run(measured(url))
            for wanted, took in found.items():
                print(f"{name:10}{wanted:8}{took:10.1f} us a step {100 * (took / found['none'] - 1):+7.1f} %")


if __name__ == "__main__":
    main()

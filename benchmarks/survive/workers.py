"""The same pile of runs for one worker process and for two: how much more they do together, and who is at work meanwhile."""

import asyncio
import gc

import weft
from application.access import LOCAL_ADMIN
from application.run_orders import RunOrder
from benchmarks.lines import Order
from benchmarks.ours.documents import chain
from benchmarks.survive.cluster import Busy, Outside, cluster, seen_from_outside
from bootstrap import App, open_app
from settings import read_settings

WHO = f"weft {weft.__version__}"
STEPS = 10
WARM = 50
AHEAD_SECONDS = 300.0
"""Runs are put in line for later, and then all for the same moment: their starts are no part of the figure."""
DUE_AT_ONCE = "UPDATE queue SET due_at = extract(epoch FROM clock_timestamp()) + 0.5"


async def one_worker(order: Order) -> None:
    await _with_workers(order, 1)


async def two_workers(order: Order) -> None:
    await _with_workers(order, 2)


async def _with_workers(order: Order, count: int) -> None:
    async with open_app(read_settings(database_url=order.database, log="warning")) as app, seen_from_outside(order) as outside:
        await app.desk.publish_workflow(LOCAL_ADMIN, chain(STEPS))
        with cluster(order) as started:
            workers = [started.worker(WEFT_POLL_SECONDS="0.05").pid for _ in range(count)]
            await _put_in_line(app, WARM * count, 0.0)
            await outside.all_over(WARM * count)
            await _put_in_line(app, order.size, AHEAD_SECONDS)
            gc.collect()
            await _measured(order, outside, workers, WARM * count)


async def _put_in_line(app: App, count: int, delay: float) -> None:
    late = RunOrder(workflow="measured", delay_seconds=delay)
    await asyncio.gather(*(app.desk.start_run(LOCAL_ADMIN, late) for _ in range(count)))


async def _measured(order: Order, outside: Outside, workers: list[int], before: int) -> None:
    """From the first claim's first row to the last run's last one."""
    newest = await outside.value("SELECT max(ended_at) FROM runs")
    busy = await Busy.from_now(outside, cores_workers=workers)
    await outside.value(DUE_AT_ONCE)
    ended = await outside.all_over(before + order.size)
    seconds = ended - float(await outside.value("SELECT min(started_at) FROM runs WHERE started_at > $1", newest))
    order.say(WHO, [seconds], order.size * STEPS, details=busy.over(seconds))

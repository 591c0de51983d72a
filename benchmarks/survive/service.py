"""What clients of the service see: how fast starts are accepted, how fast runs are finished, how soon one begins."""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Final

import weft
from benchmarks.lines import Order
from benchmarks.ours.documents import chain, document, edge
from benchmarks.survive.bell import Bell, settled_in
from benchmarks.survive.client import Connection, connected, start_many
from benchmarks.survive.cluster import Busy, cluster, seen_from_outside
from benchmarks.survive.quantiles import milliseconds

WHO: Final = f"weft {weft.__version__}"
STEPS: Final = 10
CLIENTS: Final = 32
WARM: Final = 100
START: Final = json.dumps({"workflow": "measured"}).encode()


async def accepted(order: Order) -> None:
    """Starts that one API process answers in a second, to clients that keep their connections. Nobody works on them."""
    with cluster(order) as started:
        api = started.serve("--no-worker")
        async with connected(api.url(), CLIENTS) as clients, seen_from_outside(order) as outside:
            await clients[0].publish(chain(STEPS))
            await start_many(clients, START, WARM)
            busy = await Busy.from_now(outside, cores_api=[api.pid])
            began = time.perf_counter()
            await start_many(clients, START, order.size)
            seconds = time.perf_counter() - began
            details = busy.over(seconds)
            assert await outside.value("SELECT count(*) FROM runs") == WARM + order.size
    order.say(WHO, [seconds], unit="starts/s", value=order.size / seconds, details=details)


async def finished(order: Order) -> None:
    """Runs of ten steps that are over in a second: an API process, the queue, a worker process. From the first request to the last row."""
    with cluster(order) as started:
        api = started.serve("--no-worker")
        worker = started.worker()
        async with connected(api.url(), CLIENTS) as clients, seen_from_outside(order) as outside:
            await clients[0].publish(chain(STEPS))
            await start_many(clients, START, WARM)
            await outside.all_over(WARM)
            busy = await Busy.from_now(outside, cores_api=[api.pid], cores_worker=[worker.pid])
            began = time.time()
            await start_many(clients, START, order.size)
            seconds = await outside.all_over(WARM + order.size) - began
            details = busy.over(seconds)
    order.say(WHO, [seconds], unit="runs/s", value=order.size / seconds, details=details)


async def first_node(order: Order) -> None:
    """From sending the request to the moment at which the run's first node says, by a datagram, that it was called. Nothing else goes on;
    the pauses between are of any length, so that no timer keeps step with them."""
    async with _ringing(order) as (client, bell):
        for _ in range(WARM // 10):
            await _seconds_to_first_node(client, bell)
        seconds = [await _seconds_to_first_node(client, bell) for _ in range(order.size)]
    order.say(WHO, [median(seconds)], **milliseconds(seconds))


@asynccontextmanager
async def _ringing(order: Order) -> AsyncIterator[tuple[Connection, Bell]]:
    graph = document({}, {"ring": {"kind": "tool", "tool": "ring"}}, [edge("start", "ring"), edge("ring", "end")])
    async with Bell.listening() as bell:
        with cluster(order, settled_in(Path(order.scratch))) as started:
            api = started.serve("--no-worker", BELL_PORT=str(bell.port))
            started.worker(BELL_PORT=str(bell.port))
            async with connected(api.url(), 1) as (client,):
                await client.publish(graph)
                yield client, bell


async def _seconds_to_first_node(client: Connection, bell: Bell) -> float:
    await asyncio.sleep(random.uniform(0.03, 0.13))
    rung = bell.next()
    began = time.perf_counter()
    await client.start(START)
    return await rung - began

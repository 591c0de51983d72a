"""What the store itself costs per durable append: many leases append one event at a time, each waiting for its acknowledgement.

    PYTHONPATH=src python -m benchmarks.journal_floor sqlite:///floor.db postgresql://user@host/database

Prints, for each store, microseconds per append: 100 and 1,000 runs of 10 steps at once, one run of 200 steps alone, and starts.
Everything but the node is real: leases come from the queue, rows are encoded, fenced, committed and acknowledged.
"""

import argparse
import asyncio
import cProfile
import pstats
import statistics
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from domain.graph.definition import Graph
from domain.ids import ActivationPath, ContentHash, NodeId, Position, RunId, TenantId, ThreadId, WorkerId
from domain.ports.journal import Append
from domain.ports.queue import Claim
from domain.ports.repositories import NewRun
from domain.run.events import NodeFinished
from domain.run.run import Run
from infrastructure.clock import SystemClock
from infrastructure.ids import new_id
from infrastructure.store.open import open_store
from infrastructure.store.store import Store

WORKER, TENANT = WorkerId("floor"), TenantId("floor")


async def started(store: Store, count: int) -> list[Claim]:
    """So many fresh runs, claimed."""
    now = datetime.now(UTC)
    fresh = [Run(RunId(new_id()), TENANT, ThreadId(new_id()), "floor@1.0.0", ContentHash("0" * 64), {}, now) for _ in range(count)]
    await asyncio.gather(*(store.runs.start(NewRun(run)) for run in fresh))
    claims: list[Claim] = []
    while len(claims) < count:
        claims += await store.queue.claim(WORKER, count - len(claims), 600)
    return claims


async def steps(store: Store, claim: Claim, count: int) -> None:
    for number in range(count):
        event = NodeFinished(
            ActivationPath(f"/a#{number}"), {"x": number}, (NodeId("a"),), Position(number), (Position(number),), None, 0.001
        )
        await store.journal.append(Append(claim.lease, Position(number), (event,)))


async def timed(work: Callable[[], Awaitable[object]], count: int) -> float:
    """Microseconds for each of `count`."""
    began = time.perf_counter()
    await work()
    return (time.perf_counter() - began) / count * 1e6


async def side_by_side(store: Store, runs: int, count: int) -> float:
    claims = await started(store, runs)
    return await timed(lambda: asyncio.gather(*(steps(store, claim, count) for claim in claims)), runs * count)


async def measure(url: str, rounds: int, profile: bool) -> None:
    batches: list[int] = []
    async with open_store(
        url, parse=lambda _: Graph("", "", {}, ()), clock=SystemClock(), on_committed=lambda rows, _: batches.append(rows)
    ) as store:
        for label, runs, count in (("100 runs x 10", 100, 10), ("1,000 runs x 10", 1000, 10), ("one run x 200", 1, 200)):
            batches.clear()
            watch = cProfile.Profile()
            if profile:
                watch.enable()
            found = [await side_by_side(store, runs, count) for _ in range(rounds)]
            if profile:
                watch.disable()
                pstats.Stats(watch).sort_stats("tottime").print_stats(22)
            print(f"{label:18} {statistics.median(found):8.1f} us   {min(found):8.1f} best   {statistics.mean(batches):6.1f} rows a commit")
        starts = [await timed(lambda: started(store, 500), 500) for _ in range(rounds)]
        print(f"{'start and claim':18} {statistics.median(starts):8.1f} us")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("urls", nargs="+")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--profile", action="store_true")
    told = parser.parse_args()
    for url in told.urls:
        print(url.partition(":")[0])
        asyncio.run(measure(url, told.rounds, told.profile))

"""How long a claim takes while 10,000 runs wait, on PostgreSQL.

    python -m benchmarks.claiming [--waiting 10000] [--claims 300] [--database postgresql://...]

Without a database it starts a server of its own. Prints a table on stderr and JSON on stdout; milliseconds.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory

import asyncpg

from domain.graph.definition import Graph
from domain.ids import ContentHash, RunId, TenantId, ThreadId, WorkerId
from domain.ports.repositories import NewRun
from domain.run.run import Run
from domain.run.terms import Gate, Terms
from infrastructure.clock import SystemClock
from infrastructure.ids import new_id
from infrastructure.store.bells import Bells
from infrastructure.store.migrate import upgrade
from infrastructure.store.open import open_store
from infrastructure.store.store import Store
from tests.servers.postgres import running_postgres

LEASE_SECONDS = 600.0
EMPTY = "TRUNCATE queue, heads, runs, threads, gates, journal, inbox"


@dataclass(frozen=True)
class Case:
    """`order` makes the tenant and terms of the n-th run. `claimers` claim `limit` runs at a time, side by side."""

    name: str
    order: Callable[[int], tuple[str, Terms]]
    limit: int = 10
    claimers: int = 1


def plain(number: int) -> tuple[str, Terms]:
    return "acme", Terms()


def of_a_hundred_tenants(number: int) -> tuple[str, Terms]:
    return f"tenant-{number % 100}", Terms()


def behind_a_full_slot(number: int) -> tuple[str, Terms]:
    """Nine of ten wait at one slot that lets one in; the others behind them want to be found."""
    return "acme", Terms(slot=Gate("busy", 1)) if number % 10 else Terms()


def of_a_thousand_slots(number: int) -> tuple[str, Terms]:
    return "acme", Terms(slot=Gate(f"customer-{number % 1000}", 2))


CASES = (
    Case("one tenant, one at a time", plain, limit=1),
    Case("one tenant", plain),
    Case("one tenant, 8 claimers", plain, claimers=8),
    Case("100 tenants", of_a_hundred_tenants),
    Case("100 tenants, 8 claimers", of_a_hundred_tenants, claimers=8),
    Case("9,000 behind a full slot", behind_a_full_slot, limit=1),
    Case("1,000 slots, 8 claimers", of_a_thousand_slots, claimers=8),
)


def main() -> None:
    asked = _asked()
    with _database(asked.database) as url:
        upgrade(url)
        found = [asyncio.run(measured(url, case, asked.waiting, asked.claims)) for case in CASES]
    print(f"{'case':28} {'p50':>8} {'p99':>8} {'worst':>8}  claims", file=sys.stderr)
    for row in found:
        print(f"{row['case']:28} {row['p50_ms']:8.2f} {row['p99_ms']:8.2f} {row['worst_ms']:8.2f}  {row['claims']}", file=sys.stderr)
    print(json.dumps({"waiting": asked.waiting, "cases": found}, indent=1))


async def measured(url: str, case: Case, waiting: int, claims: int) -> dict[str, object]:
    async with _store(url) as store:
        await _emptied(url)
        await _fill(store, case, waiting)
        await asyncio.gather(*(store.queue.claim(WorkerId("warm"), 1, LEASE_SECONDS) for _ in range(6 * case.claimers)))
        took = await asyncio.gather(*(_claiming(store, case, number, claims // case.claimers) for number in range(case.claimers)))
    seconds = sorted(one for mine in took for one in mine)
    cuts = quantiles(seconds, n=100)
    figures = {"p50_ms": cuts[49], "p99_ms": cuts[98], "worst_ms": seconds[-1]}
    return {"case": case.name, **{name: round(value * 1000, 3) for name, value in figures.items()}, "claims": len(seconds)}


async def _claiming(store: Store, case: Case, number: int, claims: int) -> list[float]:
    """Each claim with its seconds; as many as there are runs to be had."""
    took = []
    for _ in range(claims):
        began = time.perf_counter()
        await store.queue.claim(WorkerId(f"worker-{number}"), case.limit, LEASE_SECONDS)
        took.append(time.perf_counter() - began)
    return took


async def _fill(store: Store, case: Case, waiting: int) -> None:
    for first in range(0, waiting, 500):
        await asyncio.gather(*(store.runs.start(_new(case, number)) for number in range(first, min(first + 500, waiting))))


def _new(case: Case, number: int) -> NewRun:
    tenant, terms = case.order(number)
    run = Run(RunId(new_id()), TenantId(tenant), ThreadId(new_id()), "claimed@1.0.0", ContentHash("c" * 64), {}, datetime.now(UTC))
    return NewRun(run, terms=terms)


async def _emptied(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(EMPTY)
    finally:
        await connection.close()


@asynccontextmanager
async def _store(url: str) -> AsyncIterator[Store]:
    def no_graph(_document: object) -> Graph:
        raise NotImplementedError("nothing is executed here")

    async with open_store(url, parse=no_graph, clock=SystemClock(), on_committed=lambda *_: None, hints=Bells()) as store:
        yield store


@contextmanager
def _database(given: str | None) -> Iterator[str]:
    if given is not None:
        yield given
        return
    with TemporaryDirectory() as folder, running_postgres(Path(folder)) as server:
        yield server.dsn("postgres")


def _asked(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--waiting", type=int, default=10_000)
    parser.add_argument("--claims", type=int, default=300)
    parser.add_argument("--database")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()

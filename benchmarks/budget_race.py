"""The race for a budget: 40 runs of 25 calls on 4 workers, 1,000 calls at once for what 600 of them need: python -m benchmarks.budget_race

On PostgreSQL, once left alone and once while two of the workers are killed with -9 and two new ones come. The ledger is looked at all
the while: `most` is the most that was charged and reserved at any look, and what is beyond the limit is the overshoot. It ends with an
error when there is any.
"""

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from tests.integration.processes.crowd import CHARGED, TOKENS, crowd
from tests.integration.processes.site import Site
from tests.servers.commands import commands
from tests.servers.postgres import running_postgres
from tests.servers.shared import execute
from tests.servers.until import until
from tests.servers.witness import Witness

RUNS: Final = 40
CALLS: Final = 25
WORKERS: Final = 4
FITS: Final = 600
DELAY_SECONDS: Final = 0.5
LIMIT: Final = FITS * TOKENS


def race(folder: Path, url: str, *, kills: bool) -> None:
    witness = Witness.settled_in(folder / "witness")
    variables = {"WEFT_DATABASE_URL": url, "WEFT_LEASE_SECONDS": "60", **witness.variables}
    looks: list[int] = []
    with commands(folder / "weft", variables, witness.package) as started:
        site, began = Site(started, witness, url), time.monotonic()

        def meanwhile(workers: list[Any]) -> None:
            if kills:
                until(lambda: site.count("usage", "state = 'reserved'") >= 20, "calls under way", 60)
                for worker in workers[:2]:
                    worker.kill()
                site.workers(2, WEFT_LEASE_SECONDS="2", WEFT_WORKER_RUNS=str(RUNS // WORKERS))

        came = crowd(site, WORKERS, RUNS, CALLS, LIMIT, DELAY_SECONDS, meanwhile, at_once=CALLS, looks=looks)
        charged, account = site.number(CHARGED), site.number("SELECT taken FROM budget_accounts")
        lost = site.count("usage", "state = 'unknown'")
        seconds = time.monotonic() - began
    most = max(looks)
    print(f"{'two workers killed' if kills else 'left alone'}: {RUNS * CALLS} calls for a budget that fits {FITS}, in {seconds:.1f} s")
    print(f"  made {came['made']}, refused {came['budget_exceeded']}, outcome lost {lost} (charged as reserved)")
    print(
        f"  limit {LIMIT} tokens; most {most} in {len(looks)} looks, charged {charged}, account {account}; overshoot {max(most - LIMIT, 0)}"
    )


def main() -> None:
    with TemporaryDirectory() as folder, running_postgres(Path(folder) / "postgres") as server:
        for kills in (False, True):
            name = f"race_{int(kills)}"
            execute(server.dsn("postgres"), f"CREATE DATABASE {name}")
            race(Path(folder) / name, server.dsn(name), kills=kills)


if __name__ == "__main__":
    main()

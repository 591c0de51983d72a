"""A scenario of a long queue: what waits costs the workers nothing."""

import asyncio
import signal
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from benchmarks.claiming import Case, measured, plain
from infrastructure.store.migrate import upgrade
from tests.integration.faults.database import Database
from tests.integration.faults.load import single
from tests.integration.faults.scenario import scenario
from tests.integration.faults.stage import Stage
from tests.servers.commands import Running
from tests.servers.shared import on_a_thread
from tests.servers.until import until

MOST_P99_MS = 50.0
MOST_GROWTH_MB = 32.0
"""Of a worker that has carried as many runs at once before. 10,000 runs held in memory would take several times as much."""
WARM = 300
CLAIMS = 300


@scenario("10,000 runs wait in the queue", "99 of 100 claims within 50 ms; a worker grows by 32 MB at most while it works them off")
def queue_of_10000(stage: Stage) -> None:
    count = stage.size(600, 10_000)
    stage.start(workers=1)
    (worker,) = stage.cluster.workers
    stage.order(WARM, single(), at_once=32)
    stage.until_quiet()
    before = resident_megabytes(worker)
    worker.ask_to_stop(signal.SIGSTOP)
    stage.order(count, single(), at_once=32)
    until(lambda: stage.acknowledged() == WARM + count, "every start", stage.size(120, 600))
    waiting = stage.cluster.database.number("SELECT count(*) FROM queue")
    assert waiting == count, f"{waiting} of {count} runs wait"
    stage.figures["claim p99 ms"] = claim_p99(stage.cluster.database, count)
    worker.ask_to_stop(signal.SIGCONT)
    most = before
    while stage.cluster.open_runs():
        most = max(most, resident_megabytes(worker))
        assert worker.is_alive, worker.told()
    seen = stage.settle(stage.size(120, 600))
    stage.figures |= {"runs that waited": waiting, "worker MB before": round(before, 1), "worker MB grown by": round(most - before, 1)}
    assert set(seen.runs.values()) == {"completed"}
    assert most - before <= MOST_GROWTH_MB, f"the worker grew from {before:.0f} to {most:.0f} MB"
    assert stage.figures["claim p99 ms"] <= MOST_P99_MS, f"99 of 100 claims took up to {stage.figures['claim p99 ms']} ms"


def resident_megabytes(process: Running) -> float:
    """What of it is in memory now."""
    (line,) = [line for line in Path(f"/proc/{process.pid}/status").read_text().splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) / 1024


def claim_p99(database: Database, waiting: int) -> float:
    """Milliseconds, beside the runs of the scenario: in a database of its own on the same server, with as many runs in its queue."""
    database.ask("CREATE DATABASE claims")
    address = urlunsplit(urlsplit(database.address)._replace(path="/claims"))
    on_a_thread(upgrade, address)
    case = Case("one tenant, one at a time", plain, limit=1)
    return float(str(on_a_thread(_measured, (address, case, waiting))["p99_ms"]))


def _measured(asked: tuple[str, Case, int]) -> dict[str, object]:
    address, case, waiting = asked
    return asyncio.run(measured(address, case, waiting, CLAIMS))

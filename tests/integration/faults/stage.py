"""What every scenario stands on: a cluster, a load, chance from a seed, and figures to report."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.integration.faults import load
from tests.integration.faults.checker import check
from tests.integration.faults.client import Errand, told
from tests.integration.faults.cluster import Cluster, running_cluster
from tests.integration.faults.evidence import Evidence, gather, lines_of
from tests.integration.faults.operator import PARKED, Operator
from tests.servers import web
from tests.servers.commands import Running
from tests.servers.until import until

FINAL_SECONDS = 120.0


@dataclass(slots=True)
class Stage:
    """`is_full`: the whole campaign; else the short version that continuous integration plays. `figures` are reported."""

    cluster: Cluster
    chance: random.Random
    is_full: bool = False
    figures: dict[str, float] = field(default_factory=dict)
    clients: list[Running] = field(default_factory=list)

    def size(self, short: int, full: int) -> int:
        return full if self.is_full else short

    def count(self, what: str, more: float = 1) -> float:
        self.figures[what] = self.figures.get(what, 0) + more
        return self.figures[what]

    def start(self, workers: int, apis: int = 1, **variables: str) -> None:
        self.cluster.start(apis, workers, **variables)

    def order(self, count: int, document: dict[str, Any] | None = None, **errand: Any) -> Running:
        """Publishes the workflow, and sends a client that starts so many runs of it."""
        document = document or load.standard()
        self.cluster.publish(document)
        number = len(self.clients)
        out = str(self.cluster.folder / f"client-{number}.jsonl")
        wanted = {"prefix": f"c{number}", "seed": self.chance.randrange(1 << 30), "workflow": document["name"], **errand}
        client = self.cluster.commands.module(
            "tests.integration.faults.client", *told(Errand(urls=tuple(self.cluster.urls), count=count, out=out, **wanted))
        )
        self.clients.append(client)
        return client

    def listen(self) -> None:
        """From now on the ledger is told of every run that starts or ends; its receiver is out of order sometimes."""
        order = {"url": f"{self.cluster.ledger.url}/hooks"}
        answer = web.post(f"{self.cluster.urls[0]}/v1/webhooks", json=order, timeout=60)
        assert answer.is_success, answer.text

    def acknowledged(self) -> int:
        """Starts that clients were told of so far."""
        return sum(line["what"] == "ack" for line in self.said())

    def said(self) -> list[dict[str, Any]]:
        return [line for file in sorted(self.cluster.folder.glob("client-*.jsonl")) for line in lines_of(file)]

    def pause(self, least: float, most: float) -> None:
        """Lets chance choose the instant of the next fault."""
        time.sleep(self.chance.uniform(least, most))

    def busy_worker(self) -> Running:
        """One that has just called somebody, since a fault that strikes an idle one shows nothing; any, when no work is left."""
        workers = {worker.pid: worker for worker in self.cluster.workers}
        seen = len(self.cluster.ledger.calls())

        def caller() -> Running | None:
            return next((workers[call.pid] for call in self.cluster.ledger.calls()[seen:] if call.pid in workers), None)

        with suppress(AssertionError):
            return until(caller, "a worker at work", 5)
        return self.chance.choice(self.cluster.workers)

    def while_working(self, acts: int, fault: Callable[[], None], least: float, most: float) -> None:
        """Does it so often, at instants that chance chooses, beginning when the load has begun."""
        until(self.cluster.ledger.calls, "the first call", 60)
        for _ in range(acts):
            self.pause(least, most)
            fault()
            self.count("faults")

    def until_quiet(self, seconds: float = FINAL_SECONDS) -> None:
        """Every start is acknowledged and every run final, after what only a person can decide was decided."""
        began = time.monotonic()
        until(
            lambda: sum(line["what"] == "all started" for line in self.said()) == len(self.clients), "every start is acknowledged", seconds
        )
        self.cluster.until_final(began + seconds - time.monotonic(), PARKED)
        self.figures["seconds until all are final"] = round(time.monotonic() - began, 1)
        if decided := Operator(self.cluster).decide_all():
            self.figures["needed attention"] = decided
            self.cluster.until_final(60)
        owed = "SELECT count(*) FROM webhook_deliveries WHERE state = 'pending'"
        until(lambda: self.cluster.database.number(owed) == 0, "every webhook is delivered", 60)
        for client in self.clients:
            assert client.ended(60) == 0, client.told()

    def settle(self, seconds: float = FINAL_SECONDS) -> Evidence:
        """Waits until all is quiet, and checks every promise."""
        self.until_quiet(seconds)
        seen = gather(self.cluster)
        self._report(seen)
        check(seen)
        return seen

    def _report(self, seen: Evidence) -> None:
        self.figures["runs"] = len(seen.runs)
        self.figures["rows"] = len(seen.journal)
        self.figures["calls"] = len(seen.calls)
        self.figures["claims"] = len(seen.claims)
        if lost := sum(charge.state == "unknown" for charge in seen.charges):
            self.figures["lost calls, charged what was reserved"] = lost
        if busy := len(seen.said("busy")):
            self.figures["answered 503"] = busy


def few_were_taken_over(stage: Stage, count: int) -> None:
    """No mass loss of leases: of a hundred runs at most five were taken by one worker from another."""
    taken = stage.figures["takeovers"] = sum(len(worker.log("run taken over")) for worker in stage.cluster.workers)
    assert taken <= count // 20, f"{taken:g} of {count} runs were taken over"


@contextmanager
def staged(
    folder: Path, seed: int, *, is_full: bool, hold_seconds: float = 0.05, redis: bool = False, disk_megabytes: int = 0
) -> Iterator[Stage]:
    with running_cluster(folder, hold_seconds, redis=redis, disk_megabytes=disk_megabytes) as cluster:
        yield Stage(cluster, random.Random(seed), is_full)

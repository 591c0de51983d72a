"""A whole Weft on this machine: PostgreSQL, Redis where one is asked for, APIs, workers, the effect ledger, and a wire that may be cut.

`python -m tests.integration.faults.cluster` (`make cluster`) runs one for people until Ctrl-C.
"""

import argparse
import itertools
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.architecture.places import ROOT
from tests.integration.faults.database import Database, running_database
from tests.integration.faults.effects import settle_in
from tests.integration.faults.ledger import Ledger, running_ledger
from tests.integration.faults.wire import Wire, running_wire
from tests.servers import web
from tests.servers.commands import Commands, Running, commands
from tests.servers.ports import free_port
from tests.servers.redis import RedisServer, running_redis
from tests.servers.until import until

LEASE_SECONDS = 3.0
DISK = "disk"
"""In the folder of a cluster: what PostgreSQL writes lies here."""
FINAL = "status IN ('completed', 'failed', 'cancelled')"


class CannotBePlayed(Exception):
    """Not here, and not by this user; says why."""


@dataclass(slots=True)
class Cluster:
    """`killed`: pids of processes that were killed while they may have had calls under way. `through`: new processes reach PostgreSQL over
    the wire."""

    folder: Path
    database: Database
    ledger: Ledger
    commands: Commands
    wire: Wire
    redis: RedisServer | None = None
    through: bool = False
    apis: dict[int, Running] = field(default_factory=dict)
    """By port: one that comes back has the port it had."""
    workers: list[Running] = field(default_factory=list)
    killed: set[int] = field(default_factory=set)
    names: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def urls(self) -> list[str]:
        return [f"http://127.0.0.1:{port}" for port in self.apis]

    def start(self, apis: int, workers: int, **variables: str) -> None:
        for _ in range(apis):
            self.api(free_port(), **variables)
        for _ in range(workers):
            self.worker(**variables)
        self.until_all_work()

    def api(self, port: int, **variables: str) -> Running:
        """Starts one that executes no node; it may not listen yet."""
        self.apis[port] = self.commands.start("serve", "--no-worker", "--port", str(port), **self._variables(variables))
        return self.apis[port]

    def worker(self, **variables: str) -> Running:
        """Starts one; it may not work yet."""
        self.workers.append(self.commands.start("worker", **self._variables({"WEFT_METRICS_PORT": "0", **variables})))
        return self.workers[-1]

    def until_all_work(self) -> None:
        for api in self.apis.values():
            api.url()
        for worker in self.workers:
            until(lambda worker=worker: worker.log("worker started") or not worker.is_alive, "a worker that works", 60)  # type: ignore[misc]

    def kill(self, worker: Running) -> None:
        """As `kill -9` does."""
        self.killed.add(worker.pid)
        worker.kill()
        self.workers.remove(worker)

    def replace_dead(self, **variables: str) -> int:
        """Starts a worker for each that died by itself, as a supervisor does; how many."""
        dead = [worker for worker in self.workers if not worker.is_alive]
        for worker in dead:
            self.kill(worker)
            self.worker(**variables)
        return len(dead)

    def restart_api(self, port: int, number: signal.Signals, **variables: str) -> None:
        """Ends it, and returns when it answers again."""
        api = self.apis[port]
        if number is signal.SIGKILL:
            api.kill()
        else:
            api.ask_to_stop(number)
            api.ended(60)
        self.api(port, **variables).url()

    def publish(self, document: object) -> None:
        answer = web.post(f"{self.urls[0]}/v1/workflows", json=document, timeout=60)
        assert answer.is_success, answer.text

    def open_runs(self) -> int:
        """How many are not final."""
        return self.database.number(f"SELECT count(*) FROM runs WHERE NOT {FINAL}")  # noqa: S608 (words of ours)

    def until_final(self, seconds: float, but: str = "FALSE") -> None:
        """Every run is final, those aside that the condition `but` describes."""
        open_now = f"SELECT count(*) FROM runs WHERE NOT {FINAL} AND NOT ({but})"  # noqa: S608 (words of ours)
        until(lambda: self.database.number(open_now) == 0, "every run is final", seconds)

    def until_finished(self, count: int, seconds: float = 120) -> None:
        until(lambda: self.database.number(f"SELECT count(*) FROM runs WHERE {FINAL}") >= count, f"{count} runs are final", seconds)  # noqa: S608

    def _variables(self, given: dict[str, str]) -> dict[str, str]:
        dsn = self.database.dsn(f"p_{next(self.names)}", self.wire.port if self.through else 0)
        return {"WEFT_DATABASE_URL": dsn, **({"WEFT_REDIS_URL": self.redis.url} if self.redis else {}), **given}


@contextmanager
def running_cluster(folder: Path, hold_seconds: float = 0.05, *, redis: bool = False, disk_megabytes: int = 0) -> Iterator[Cluster]:
    """The servers; processes of Weft are started by whoever uses it, and all are gone at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        if disk_megabytes:
            stack.enter_context(small_disk(folder / DISK, disk_megabytes))
        database = stack.enter_context(running_database(folder / DISK / "postgres"))
        ledger = stack.enter_context(running_ledger(folder, hold_seconds))
        wire = stack.enter_context(running_wire(database.port))
        server = stack.enter_context(running_redis(folder / "redis")) if redis else None
        variables = {"WEFT_LEASE_SECONDS": str(LEASE_SECONDS), "FAULT_LEDGER": ledger.url, "FAULT_FOLDER": str(folder)}
        started = stack.enter_context(commands(folder / "weft", variables, settle_in(folder / "package"), ROOT))
        yield Cluster(folder, database, ledger, started, wire, server)


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[None]:
    """A disk of its own in memory, which can be filled. `CannotBePlayed` for whoever may not have one."""
    folder.mkdir(parents=True)
    options = f"size={megabytes}m,mode=755"
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotBePlayed(f"it takes a user who may mount a disk: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--apis", type=int, default=2)
    parser.add_argument("--workers", type=int, default=4)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="weft-cluster-") as folder, running_cluster(Path(folder), redis=True) as cluster:
        cluster.start(chosen.apis, chosen.workers)
        print("PostgreSQL  ", cluster.database.address)
        print("Redis       ", cluster.redis.url if cluster.redis else "")
        for url in cluster.urls:
            print("API         ", url)
        for worker in cluster.workers:
            print("worker      ", worker.pid, worker.url())
        print("logs        ", cluster.commands.folder, "\nCtrl-C stops everything.", flush=True)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})


if __name__ == "__main__":
    main()

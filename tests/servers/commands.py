"""`weft` as real processes: the service and its workers, started by a test, killed by a test, and gone after it."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.architecture.places import ROOT
from tests.servers import web
from tests.servers.until import until

_START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Running:
    """One process. `out` and `err` are the files it writes to; its log is the lines of `err`."""

    process: subprocess.Popen[bytes]
    out: Path
    err: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> None:
        """As `kill -9` does: nothing is closed, nothing is said."""
        self.process.kill()
        self.process.wait()

    def ask_to_stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    def ended(self, seconds: float = 30.0) -> int:
        """Its exit code; AssertionError when it goes on."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still runs after {seconds:g} s: {self.told()}") from None

    def log(self, event: str = "") -> list[dict[str, Any]]:
        """The lines logged so far, those of one event only when it is named. The last one may still be being written."""
        whole = self.err.read_text().rpartition("\n")[0].splitlines()
        lines = [json.loads(line) for line in whole if line.startswith("{")]
        return [line for line in lines if not event or line["event"] == event]

    def told(self) -> str:
        return f"{self.out.read_text()}\n{self.err.read_text()[-4000:]}"

    def url(self) -> str:
        """The address it announced."""

        def announced() -> re.Match[str] | None:
            assert self.is_alive, self.told()
            return re.search(r"on (http://[\d.]+:\d+)", self.out.read_text())

        return until(announced, "an address on stdout", _START_SECONDS)[1]

    def metric(self, name: str) -> float:
        """The value of a sample without labels."""
        found = re.search(rf"^{name} (\S+)$", web.get(f"{self.url()}/metrics").text, re.MULTILINE)
        return float(found[1]) if found else 0.0


@dataclass(slots=True)
class Commands:
    """Starts `weft` in `folder` with these variables, and nothing else of ours in its environment."""

    folder: Path
    variables: Mapping[str, str]
    path: tuple[Path, ...] = ()
    """Folders with packages that it can import."""
    started: list[Running] = field(default_factory=list)

    def start(self, *arguments: str, **variables: str) -> Running:
        return self.module("weft", *arguments, **variables)

    def module(self, name: str, *arguments: str, **variables: str) -> Running:
        """Any module that can be run, as `python -m` does."""
        number = len(self.started)
        out, err = self.folder / f"{number}.out", self.folder / f"{number}.err"
        with out.open("wb") as to_out, err.open("wb") as to_err:
            command = [sys.executable, "-m", name, *arguments]
            environment = self._environment(variables)
            process = subprocess.Popen(command, cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, stdout=to_out, stderr=to_err)
        self.started.append(Running(process, out, err))
        return self.started[-1]

    def serve(self, *arguments: str, port: int = 0, **variables: str) -> Running:
        """A service that listens."""
        running = self.start("serve", "--port", str(port), *arguments, **variables)
        running.url()
        return running

    def worker(self, **variables: str) -> Running:
        """A worker that works."""
        running = self.start("worker", WEFT_METRICS_PORT="0", **variables)
        until(lambda: running.log("worker started"), "a worker that works", _START_SECONDS)
        return running

    def stop(self) -> None:
        for running in self.started:
            running.kill()

    def _environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        ours = {name: value for name, value in os.environ.items() if not name.startswith("WEFT_")}
        path = os.pathsep.join(map(str, (*self.path, ROOT / "src")))
        return {**ours, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "", **self.variables, **variables}


@contextmanager
def commands(folder: Path, variables: Mapping[str, str], *path: Path) -> Iterator[Commands]:
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        found = Commands(folder, variables, path)
        stack.callback(found.stop)
        yield found

"""Rounds of measured processes: every round runs every step once, one process at a time, and every line goes to a file."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.databases import Place, place_for
from benchmarks.lines import ANSWER
from benchmarks.machine import load
from benchmarks.peers.environments import python_of
from benchmarks.plan import Step
from tests.servers.postgres import Server, binaries

Line = dict[str, Any]
MOST_SECONDS = 600


@dataclass(frozen=True)
class Bench:
    """`disk`: a folder for databases. `quick`: small sizes, one repetition."""

    server: Server
    disk: Path
    quick: bool

    def lines(self, steps: Sequence[Step], rounds: int) -> Iterator[Line]:
        """Says on the terminal what is being measured; a process that fails is a line with `error`."""
        for number in range(1, rounds + 1):
            yield {"round": number, "case": "round", "load": load()}
            for at, step in enumerate(steps, 1):
                print(
                    f"round {number}/{rounds}  {at:2}/{len(steps)}  {step.module.rpartition('.')[2]:18} {step.case:20}", end="", flush=True
                )
                found = {"round": number, **self._line(step)}
                print(_shown(found), flush=True)
                yield found

    def _line(self, step: Step) -> Line:
        with place_for(step, self.server, self.disk) as place:
            try:
                done = subprocess.run(
                    self._command(step, place), capture_output=True, text=True, timeout=MOST_SECONDS, check=False, env=_told()
                )
            except subprocess.TimeoutExpired:
                return {"case": step.case, "module": step.module, "error": f"not over after {MOST_SECONDS} s"}
        answers = [line for line in done.stdout.splitlines() if line.startswith(ANSWER)]
        if done.returncode or len(answers) != 1:
            return {
                "case": step.case,
                "module": step.module,
                "error": _last_words(done.stderr) or f"ended with {done.returncode}, said nothing",
            }
        found: Line = json.loads(answers[0])
        return found

    def _command(self, step: Step, place: Place) -> list[str]:
        python = str(python_of(step.environment)) if step.environment else sys.executable
        size, repetitions = (step.quick, 1) if self.quick else (step.size, step.repetitions)
        told = ["--size", str(size), "--repetitions", str(repetitions), "--database", place.database, "--scratch", str(place.scratch)]
        return [python, "-m", step.module, step.case, *told]


def _told() -> dict[str, str]:
    """The environment of a measured process. Nothing that is set for the owner's Weft or Python reaches it: without compiled bytecode,
    as PYTHONDONTWRITEBYTECODE has it, a library that is installed afresh takes twice as long to start as one that is not."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WEFT_", "PYTHON")) or name == "WEFT_BENCH_VENVS"}
    return {**kept, "WEFT_BENCH_PGBENCH": str(binaries()[0] / "pgbench")}


def _shown(line: Line) -> str:
    if "error" in line:
        return f"  FAILED\n{line['error']}"
    value = f"{line['value']:12,.1f} us a step" if line["unit"] == "us/step" else f"{line['value']:12.3f} {line['unit']}"
    return f"{value}   {line['peak_mib']:6.0f} MiB"


def _last_words(stderr: str) -> str:
    """The end of what a failed process said, without where on this machine it stood."""
    return stderr[-2000:].replace(str(Path.cwd()), ".")

"""Ours and the peers, interleaved: python -m benchmarks (which is `make bench`)

Writes benchmarks/results/latest.jsonl and the tables of docs/benchmarks.md. Ends with 1 when a bound is missed or a process failed.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Protocol

from benchmarks.bounds import MOMENTS, WEFT, WORKS, Verdict
from benchmarks.figures import Figures, figures_of
from benchmarks.machine import described
from benchmarks.page import PAGE, figures_text, put
from benchmarks.peers.environments import OWN, make_environments
from benchmarks.plan import PLAN, Step
from benchmarks.profile import profile_text
from benchmarks.rounds import Bench, Line
from tests.servers.postgres import binaries, running_postgres

LATEST: Final = Path(__file__).parent / "results" / "latest.jsonl"
TRIED: Final = OWN / "quick.jsonl"


class Judged(Protocol):
    """A row of a table: a case of ours, and what is demanded of it."""

    @property
    def case(self) -> str: ...

    def verdicts(self, figures: Figures) -> Sequence[Verdict]: ...


def main() -> int:
    told = arguments()
    file = TRIED if told.quick or told.only else LATEST
    if not told.report:
        make_environments()
        record(steps_named(told.only, PLAN), 1 if told.quick else told.rounds, file, quick=told.quick)
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    figures = figures_of(lines)
    if file is LATEST:
        put(PAGE, "figures", figures_text(figures, lines[0], max(line["round"] for line in lines[1:])))
        put(PAGE, "profile", profile_text())
    missed, failed = told_of(lines, (*WORKS, *MOMENTS), figures)
    return 1 if failed or (missed and not told.quick) else 0


def arguments(program: str = "python -m benchmarks") -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=program)
    parser.add_argument("--rounds", type=int, default=int(os.environ.get("ROUNDS", "5")))
    parser.add_argument("--quick", action="store_true", help="one round of small sizes; bounds do not count, the page stays as it is")
    parser.add_argument(
        "--only",
        default="",
        metavar="TEXT",
        help="steps whose module or case has TEXT, or one of several with commas between; the page stays as it is",
    )
    parser.add_argument("--report", action="store_true", help="measure nothing, write the page from the latest results")
    return parser.parse_args()


def steps_named(text: str, plan: Iterable[Step]) -> list[Step]:
    return [step for step in plan if any(part in f"{step.module} {step.case}" for part in text.split(","))]


def record(steps: list[Step], rounds: int, file: Path, *, quick: bool) -> None:
    """Every line is in the file as soon as it is known."""
    OWN.mkdir(exist_ok=True)
    file.parent.mkdir(exist_ok=True)
    with (
        TemporaryDirectory(dir=OWN, ignore_cleanup_errors=True) as disk,
        running_postgres(Path(disk) / "postgres") as server,
        file.open("w") as out,
    ):
        machine: Line = described(str(binaries()[0]))
        for line in chain([machine], Bench(server, Path(disk), quick).lines(steps, rounds)):
            print(json.dumps(line), file=out, flush=True)


def told_of(lines: Iterable[Line], works: Iterable[Judged], figures: Figures) -> tuple[bool, bool]:
    """Print every bound that was looked at and every process that failed. Was a bound missed, did a process fail?"""
    verdicts = [(work.case, verdict) for work in works if figures.spread(WEFT, work.case) for verdict in work.verdicts(figures)]
    looked_at = [(case, verdict, verdict.found) for case, verdict in verdicts if verdict.found is not None]
    for case, verdict, found in looked_at:
        print(f"{'met   ' if verdict.met else 'MISSED'} {case:20} {verdict.demand:28} {found:10.3g}")
    failed = [line for line in lines if "error" in line]
    for line in failed:
        print(f"FAILED {line['module']} {line['case']}: {line['error'].splitlines()[-1]}")
    return any(not verdict.met for _, verdict, _ in looked_at), bool(failed)


if __name__ == "__main__":
    sys.exit(main())

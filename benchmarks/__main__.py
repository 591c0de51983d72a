"""Ours and the peers, interleaved: python -m benchmarks (which is `make bench`)

Writes benchmarks/results/latest.jsonl and the tables of docs/benchmarks.md. Ends with 1 when a bound is missed or a process failed.
"""

import argparse
import json
import os
import sys
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.bounds import MOMENTS, WORKS
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


def main() -> int:
    told = arguments()
    file = TRIED if told.quick or told.only else LATEST
    if not told.report:
        make_environments()
        record(steps_named(told.only), 1 if told.quick else told.rounds, file, quick=told.quick)
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    figures = figures_of(lines)
    failed = [line for line in lines if "error" in line]
    if file is LATEST:
        put(PAGE, "figures", figures_text(figures, lines[0], max(line["round"] for line in lines[1:])))
        put(PAGE, "profile", profile_text())
    missed = tell(figures)
    for line in failed:
        print(f"FAILED {line['module']} {line['case']}: {line['error'].splitlines()[-1]}")
    return 1 if failed or (missed and not told.quick) else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
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


def steps_named(text: str) -> list[Step]:
    return [step for step in PLAN if any(part in f"{step.module} {step.case}" for part in text.split(","))]


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


def tell(figures: Figures) -> bool:
    """Print every bound that was looked at; True when one of them is missed."""
    missed = False
    for work in (*WORKS, *MOMENTS):
        if figures.spread("weft", work.case) is None:
            continue
        for verdict in work.verdicts(figures):
            if verdict.found is not None:
                missed |= not verdict.met
                print(f"{'met   ' if verdict.met else 'MISSED'} {work.case:20} {verdict.demand:28} {verdict.found:10.3g}")
    return missed


if __name__ == "__main__":
    sys.exit(main())

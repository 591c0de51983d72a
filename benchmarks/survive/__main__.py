"""Under load, beside the peers: python -m benchmarks.survive (which is `make bench-load`)

Writes benchmarks/results/load.jsonl and the table "Under load" of docs/benchmarks.md. Ends with 1 when a bound is missed or a process
failed.
"""

import json
import sys
from pathlib import Path
from typing import Final

from benchmarks.__main__ import arguments, record, steps_named, told_of
from benchmarks.figures import figures_of
from benchmarks.page import PAGE, put
from benchmarks.peers.environments import OWN, make_environments
from benchmarks.survive.demands import LOADS, each_detail
from benchmarks.survive.plan import PLAN
from benchmarks.survive.table import loads_text

LATEST: Final = Path(__file__).parent.parent / "results" / "load.jsonl"
TRIED: Final = OWN / "quick-load.jsonl"


def main() -> int:
    told = arguments("python -m benchmarks.survive")
    file = TRIED if told.quick or told.only else LATEST
    if not told.report:
        steps = steps_named(told.only, PLAN)
        if any(step.environment for step in steps):
            make_environments()
        record(steps, 1 if told.quick else told.rounds, file, quick=told.quick)
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    figures = figures_of(each_detail(lines))
    if file is LATEST:
        put(PAGE, "load", loads_text(figures, lines[0], max(line["round"] for line in lines[1:])))
    missed, failed = told_of(lines, LOADS, figures)
    return 1 if failed or (missed and not told.quick) else 0


if __name__ == "__main__":
    sys.exit(main())

"""`python -m tests.simulation`: thousands of afternoons, or one again by its seed."""

import argparse
import asyncio
import logging
import os
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "src"))

import structlog
from rich.progress import track

from tests.simulation.checker import problems
from tests.simulation.play import afternoon

BATCH = 50
Found = tuple[Counter[str], dict[int, list[str]]]
"""How often each fault struck, and what was wrong by seed."""


def play(seeds: range) -> Found:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    struck: Counter[str] = Counter()
    broken: dict[int, list[str]] = {}
    for seed in seeds:
        try:
            found = afternoon(seed)
            struck.update(found.chaos.struck)
            wrong = asyncio.run(problems(found))
        except Exception as error:
            wrong = [f"{type(error).__name__}: {error}"]
        if wrong:
            broken[seed] = wrong
    return struck, broken


def main() -> int:
    asked = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    asked.add_argument("--seeds", type=int, default=10_000, help="how many afternoons (10,000)")
    asked.add_argument("--first", type=int, default=0, help="the first seed (0)")
    asked.add_argument("--seed", type=int, help="this one alone")
    given = asked.parse_args()
    seeds = range(given.seed, given.seed + 1) if given.seed is not None else range(given.first, given.first + given.seeds)
    batches = [seeds[start : start + BATCH] for start in range(0, len(seeds), BATCH)]
    struck: Counter[str] = Counter()
    broken: dict[int, list[str]] = {}
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for faults, wrong in track(pool.map(play, batches), "simulating", len(batches)):
            struck.update(faults)
            broken.update(wrong)
    for place, times in sorted(struck.items()):
        print(f"{times:>9,}  {place}")
    for seed, sentences in broken.items():
        print(f"seed {seed}: {'; '.join(sentences)}  (python -m tests.simulation --seed {seed})")
    print(f"{len(seeds):,} afternoons, {sum(struck.values()):,} faults in {len(struck)} places, {len(broken)} broken")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())

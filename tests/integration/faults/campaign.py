"""`make chaos`: every fault in full, every crash point for every kind of node, every guard taken away; writes the matrix of
docs/reliability.md.

`--only NAME ...` plays some and replaces their rows alone. `--minutes N` begins nothing new after so long. `--short` plays what continuous
integration plays. `--keep` leaves the folder with all logs.
"""

import argparse
import random
import shutil
import subprocess
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.architecture.places import ROOT
from tests.integration.faults.all_scenarios import SCENARIOS, Scenario
from tests.integration.faults.arming import POINTS
from tests.integration.faults.checker import breaches
from tests.integration.faults.cluster import CannotBePlayed
from tests.integration.faults.evidence import gather
from tests.integration.faults.grid import KINDS, open_grid
from tests.integration.faults.guards import GUARDS
from tests.integration.faults.matrix import Entry, write
from tests.integration.faults.removing import CASES, arms_of
from tests.integration.faults.stage import staged

Figures = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Act:
    """One row of the matrix. `play` returns figures, and raises when a promise was broken."""

    name: str
    fault: str
    must: str
    play: Callable[[Path, int], Figures]


def acts(*, is_full: bool) -> list[Act]:
    found = [Act(one.name, one.fault, one.must, _staged(one, is_full=is_full)) for one in SCENARIOS.values()]
    words = f"kill -9 at each of {len(POINTS)} named points, for each of {len(KINDS)} kinds of node"
    found.append(Act("crash_points", words, "the result is as without the fault", _grid))
    found += [
        Act(f"without_{name}", f"without the guard: {guard.what}", f"`{guard.keeps}` breaks", _unguarded(name))
        for name, guard in GUARDS.items()
    ]
    return found


def _staged(scenario: Scenario, *, is_full: bool) -> Callable[[Path, int], Figures]:
    def play(folder: Path, seed: int) -> Figures:
        with staged(folder, seed, is_full=is_full, redis=scenario.redis, disk_megabytes=scenario.disk_megabytes) as stage:
            scenario.play(stage)
            return stage.figures

    return play


def _grid(folder: Path, seed: int) -> Figures:
    chance = random.Random(seed)
    with open_grid(folder) as grid:
        for point in POINTS:
            for kind in KINDS:
                if grid.reaches(point, kind):
                    grid.play(point, kind, grid.passes(point, chance))
                    if (point, kind) not in grid.struck:
                        grid.play(point, kind, 1)
        grid.check()
        points = {point for point, _ in grid.struck}
        assert points == set(POINTS), f"never reached: {set(POINTS) - points}"
        passed_by = sorted(set(grid.played) - set(grid.struck))
        print("runs of these kinds pass by these points:", passed_by, flush=True)
        return {
            "cells": len(set(grid.played)),
            "struck": len(set(grid.struck)),
            "points struck": len(points),
            "cells that no run passes": len(passed_by),
        }


def _unguarded(name: str) -> Callable[[Path, int], Figures]:
    """The same fault twice: with its guard every promise holds, without it the right one breaks."""

    def play(folder: Path, seed: int) -> Figures:
        guarded, unguarded = (_found(name, folder / str(kept), seed, with_guard=kept) for kept in (True, False))
        assert not guarded, f"breaches with the guard in place: {guarded}"
        assert GUARDS[name].keeps in unguarded, f"not noticed; noticed was {list(unguarded)}"
        return {"breaches noticed": sum(map(len, unguarded.values()))}

    return play


def _found(name: str, folder: Path, seed: int, *, with_guard: bool) -> Mapping[str, Sequence[str]]:
    with staged(folder, seed, is_full=False, hold_seconds=0.3) as stage:
        CASES[name][0](stage, arms_of(name, with_guard=with_guard))
        with suppress(AssertionError):  # without its guard, a run may also never come to its end
            stage.until_quiet(60)
        return breaches(gather(stage.cluster))


def perform(act: Act, seed: int, folder: Path) -> Entry:
    began = time.monotonic()
    try:
        figures, verdict = act.play(folder / act.name, seed), "held"
    except CannotBePlayed as error:
        figures, verdict = {}, f"not run: {error}"
    except Exception as error:
        traceback.print_exc()
        figures, verdict = {}, f"**BROKEN** {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:300]
    told = ", ".join(f"{name} {value:g}" for name, value in figures.items())
    when = f"{datetime.now(UTC):%Y-%m-%d}, {commit()}, seed {seed}, {time.monotonic() - began:.0f} s"
    print(f"{act.name}: {verdict} {told}", flush=True)
    return Entry(act.name, act.fault, act.must, verdict, told, when)


def commit() -> str:
    """What is played, `-dirty` when it was changed since; the page with the matrix aside, which every act changes."""
    changes = _git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs/reliability.md")
    return (_git("describe", "--always") or "no commit") + ("-dirty" if changes else "")


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()


def chosen_acts(only: Iterable[str], *, is_full: bool) -> list[Act]:
    found = {act.name: act for act in acts(is_full=is_full)}
    return [found[name] for name in only] or list(found.values())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=[], choices=[act.name for act in acts(is_full=True)], metavar="NAME")
    parser.add_argument("--minutes", type=float, default=float("inf"))
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--keep", action="store_true")
    chosen = parser.parse_args()
    last_start = time.monotonic() + chosen.minutes * 60
    broken = 0
    folder = Path(tempfile.mkdtemp(prefix="weft-chaos-"))
    print(f"seed {chosen.seed}, files in {folder}", flush=True)
    for act in chosen_acts(chosen.only, is_full=not chosen.short):
        if time.monotonic() > last_start:
            print(f"{act.name}: not begun, the time is over")
            continue
        entry = perform(act, chosen.seed, folder)
        broken += entry.is_broken
        if not chosen.short:
            write([entry])
    if not chosen.keep:
        shutil.rmtree(folder)
    return int(broken > 0)


if __name__ == "__main__":
    raise SystemExit(main())

"""Where each microsecond of an engine step goes: the chain of 1,000 `transform` nodes in memory.

    python -m benchmarks.profile

At every tick of the clock that counts the time a process has worked (SIGPROF; 1 to 4 ms, as the kernel has it), the innermost frame of
Weft's own code says which part is at work; what a library does counts for the part that called it. Nothing is slowed down as under a
tracing profiler, which makes small functions look dear. The shares times the time of an undisturbed run are the microseconds. How many
functions a step calls is counted by cProfile, in another run.
"""

import asyncio
import cProfile
import gc
import pstats
import signal
import statistics
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

from benchmarks.lines import timed
from benchmarks.ours.documents import chain
from benchmarks.ours.measured import Measured, measured
from benchmarks.page import PAGE, put, table

SIZE: Final = 1000
SAMPLED_RUNS: Final = 750
EVERY_SECONDS: Final = 0.001
SOURCE: Final = Path(__file__).parent.parent / "src"
STARTING: Final = "start of the run, queue, claim"
LOOP: Final = "event loop"
PARTS: Final = (
    # The first that a file's path below src begins with.
    ("domain/run/planner", "planner: who may start"),
    ("domain/run/events", "rows: the events as objects"),
    ("domain/run", "fold: a row changes the state"),
    ("domain/graph", "planner: who may start"),
    ("infrastructure/cel", "expressions: `writes`"),
    ("infrastructure/expressions", "expressions: `writes`"),
    ("infrastructure/values", "expressions: `writes`"),
    ("infrastructure/schemas", "schema of the channel"),
    ("infrastructure/store", "journal: encode, append, acknowledge"),
    ("infrastructure/feed", "feed and meter"),
    ("infrastructure/telemetry", "feed and meter"),
    ("infrastructure/nodes", "the node itself"),
    ("application/attempts", "the node itself"),
    ("application/executing", "engine: start an activation"),
    ("application/deciding", "engine: from outcome to row"),
    ("application/programs", "engine: from outcome to row"),
    ("application/deriving", "engine: settle and derive"),
    ("application/ending", "engine: settle and derive"),
    ("application/drive", "engine: record and append"),
    ("application/engine", "engine: the loop of a run"),
    ("infrastructure/clock", "clock"),
)


def part_of(path: str) -> str | None:
    """The part that a file of ours belongs to; None for a file that is not ours."""
    if not path.startswith(f"{SOURCE}/"):
        return None
    below = path.removeprefix(f"{SOURCE}/")
    return next((part for begin, part in PARTS if below.startswith(begin)), STARTING)


def part_at_work(frame: FrameType | None) -> str:
    while frame is not None:
        part = part_of(frame.f_code.co_filename)
        if part is not None:
            return part
        frame = frame.f_back
    return LOOP


@contextmanager
def sampling() -> Iterator[Counter[str]]:
    """Samples by part, while it is open."""
    samples: Counter[str] = Counter()

    def sample(_: int, frame: FrameType | None) -> None:
        samples[part_at_work(frame)] += 1

    before = signal.signal(signal.SIGPROF, sample)
    signal.setitimer(signal.ITIMER_PROF, EVERY_SECONDS, EVERY_SECONDS)
    try:
        yield samples
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


async def profiled() -> tuple[float, Counter[str], Counter[str]]:
    """Microseconds of a step, samples by part, calls by part."""
    async with measured("memory:", chain(SIZE)) as ours:

        async def run() -> None:
            await ours.runs(1, {})

        await run()
        gc.collect()
        seconds = statistics.median(await timed(run, 20))
        with sampling() as samples:
            await timed(run, SAMPLED_RUNS)
        return seconds / SIZE * 1e6, samples, await _calls(ours)


async def _calls(ours: Measured) -> Counter[str]:
    """Calls of one run; those of C functions count for the part that called them."""
    watch = cProfile.Profile()
    watch.enable()
    await ours.runs(1, {})
    watch.disable()
    calls: Counter[str] = Counter()
    for (file, _, _), (_, count, _, _, callers) in pstats.Stats(watch).stats.items():  # type: ignore[attr-defined]
        own = part_of(file)
        if own is not None:
            calls[own] += count
            continue
        for (caller, _, _), (_, by_caller, _, _) in callers.items():
            calls[part_of(caller) or LOOP] += by_caller
    return calls


def profile_text() -> str:
    micros, samples, calls = asyncio.run(profiled())
    total = samples.total()
    rows = [
        (part, f"{micros * count / total:.1f}", f"{100 * count / total:.0f} %", f"{calls[part] / SIZE:.1f}")
        for part, count in samples.most_common()
    ]
    last = ("**a step**", f"**{micros:.1f}**", "", f"{calls.total() / SIZE:.0f}")
    return f"{total:,} samples.\n\n{table(('part', 'µs', 'share', 'calls'), [*rows, last])}"


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        put(PAGE, "profile", profile_text())
    else:
        print(profile_text())

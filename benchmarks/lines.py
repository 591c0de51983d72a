"""What every measured process is told, and the JSON lines it answers with. Standard library only: the peers' environments use it too."""

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

ANSWER = '{"who": '
"""How the line of an answer begins, and nothing that a library may print."""


@dataclass(frozen=True)
class Order:
    """One case to measure. `size` is what the case counts in (nodes, visits, runs, branches). `database` is an empty one, made for this
    process: `memory:`, `sqlite:///PATH` or `postgresql://...`. `scratch`: a folder on a real disk."""

    case: str
    size: int
    repetitions: int
    database: str
    scratch: Path

    def say(self, who: str, seconds: list[float], steps: int = 0, **more: Any) -> None:
        """Print the line of this case. With `steps` its value is in microseconds per step, else in seconds."""
        middle = statistics.median(seconds)
        value = middle / steps * 1e6 if steps else middle
        line = {"who": who, "case": self.case, "unit": "us/step" if steps else "s", "value": value, "size": self.size}
        print(json.dumps({**line, "peak_mib": peak_mib(), **more, "seconds": seconds}), flush=True)


Case = Callable[[Order], Awaitable[None]]


async def timed(work: Callable[[], Awaitable[object]], repetitions: int) -> list[float]:
    """Seconds of each repetition."""
    seconds = []
    for _ in range(repetitions):
        began = time.perf_counter()
        await work()
        seconds.append(time.perf_counter() - began)
    return seconds


def peak_mib() -> float:
    """The most memory that this process has held so far."""
    status = Path("/proc/self/status").read_text()
    return round(int(status.partition("VmHWM:")[2].split()[0]) / 1024, 1)


def version_of(distribution: str) -> str:
    return metadata.version(distribution)


def order_from_command_line() -> Order:
    parser = argparse.ArgumentParser()
    parser.add_argument("case")
    parser.add_argument("--size", type=int, default=100)
    parser.add_argument("--repetitions", type=int, default=1)
    parser.add_argument("--database", default="memory:")
    parser.add_argument("--scratch", type=Path, default=Path())
    return Order(**vars(parser.parse_args()))


def measure(cases: Mapping[str, Case]) -> None:
    """The whole of a measured process: do the one case that the command line names."""
    order = order_from_command_line()
    asyncio.run(_awaited(cases[order.case], order))


async def _awaited(case: Case, order: Order) -> None:
    await case(order)

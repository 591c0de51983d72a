"""A conversation of many turns on one thread: does the process grow, and does a turn take longer, because others went before?

    python -m benchmarks.soak [--turns 10000] [--database URL]

Each turn is a run of its own that hears a message and asks a scripted model; the newest 20 messages stay, so that the state itself does not
grow. Without a database it uses a SQLite file of its own. Prints JSON; ends with 1 when a bound is missed. All the turns on that file
are the figures of benchmarks/results/soak.json and of docs/benchmarks.md.
"""

import argparse
import asyncio
import ctypes
import gc
import json
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

from application.access import LOCAL_ADMIN
from application.checkpoints import CHECKPOINT_ROWS
from application.run_orders import RunOrder
from application.threads import ThreadOrder
from benchmarks.machine import described
from benchmarks.ours.measured import Measured, measured
from benchmarks.page import PAGE, put, table
from domain.ids import DEFAULT_TENANT, ThreadId
from tests.servers.postgres import binaries

LATEST: Final = Path(__file__).parent / "results" / "soak.json"
TURNS: Final = 10_000
WARM_UP: Final = 1_000
MOST_GROWTH: Final = 0.05
MOST_SLOWER: Final = 1.3
ROWS_OF_A_TURN: Final = 4
WINDOW: Final = CHECKPOINT_ROWS // ROWS_OF_A_TURN
"""So many turns a median is of: from one checkpoint to the next. A run folds the rows since the last one, so that turns get slower up to
the next and quick again; shorter windows would compare places in that saw."""
KEPT: Final = 20
"""Messages."""


@dataclass(frozen=True)
class Soaked:
    """`growth`: of the resident memory since the warm-up, as a part of it. `slower`: the median of the last turns over that of the turns at
    the end of the warm-up; it is only judged where the warm-up has a whole window. `tail`: rows that the next run would fold."""

    turns: int
    warm_up: int
    warm_bytes: int
    end_bytes: int
    warm_ms: float
    end_ms: float
    tail: int

    @property
    def growth(self) -> float:
        return self.end_bytes / self.warm_bytes - 1

    @property
    def slower(self) -> float:
        return self.end_ms / self.warm_ms

    @property
    def is_timed(self) -> bool:
        return self.warm_up >= WINDOW

    def told(self) -> dict[str, Any]:
        """As JSON."""
        return {**asdict(self), "growth": self.growth, "slower": self.slower, "is_timed": self.is_timed, "missed": self.missed()}

    def missed(self) -> list[str]:
        bounds = [("growth", self.growth, MOST_GROWTH), ("tail", self.tail, CHECKPOINT_ROWS + ROWS_OF_A_TURN)]
        if self.is_timed:
            bounds.append(("slower", self.slower, MOST_SLOWER))
        return [f"{name} is {found:.3f}, and {most} at most was demanded" for name, found, most in bounds if found > most]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--database")
    asked = parser.parse_args()
    with TemporaryDirectory() as folder:
        soaked = asyncio.run(soak(asked.database or f"sqlite:///{Path(folder) / 'soak.db'}", asked.turns))
    print(json.dumps(soaked.told(), indent=1))
    if asked.database is None and asked.turns == TURNS:
        keep(soaked)
    return 1 if soaked.missed() else 0


def keep(soaked: Soaked) -> None:
    machine = described(str(binaries()[0]))
    LATEST.write_text(json.dumps({"machine": machine, **soaked.told()}, indent=1) + "\n")
    put(PAGE, "soak", text_of(machine, soaked))


def text_of(machine: dict[str, Any], soaked: Soaked) -> str:
    """The part of the page between the markers."""
    where = (
        f"{machine['date']}. {machine['cores']} cores of {machine['processor']}, SQLite {machine['sqlite']} (FULL), {soaked.turns:,} turns."
    )
    head = ("", f"after {soaked.warm_up:,} turns", "at the end", "demanded: found")
    rows = [
        ("resident memory, MiB", _mib(soaked.warm_bytes), _mib(soaked.end_bytes), f"≤ {MOST_GROWTH:.0%} more: {soaked.growth:+.1%}"),
        ("median of a turn, ms", f"{soaked.warm_ms:.1f}", f"{soaked.end_ms:.1f}", f"≤ {MOST_SLOWER:g} times: {soaked.slower:.2f}"),
    ]
    return f"{where}\n\n{table(head, rows)}"


def _mib(size: int) -> str:
    return f"{size / 2**20:.1f}"


async def soak(database: str, turns: int) -> Soaked:
    """Talks so many turns; a third of them at most is warm-up."""
    warm_up = min(WARM_UP, turns // 3)
    async with AsyncExitStack() as stack:
        ours = await stack.enter_async_context(measured(database, conversation()))
        thread = (await ours.app.desk.open_thread(LOCAL_ADMIN, ThreadOrder())).id
        before = await _talk(ours, thread, range(warm_up))
        warm_bytes = resident_bytes()
        after = await _talk(ours, thread, range(warm_up, turns))
        end_bytes = resident_bytes()
        now = await ours.app.desk.past.past.at(DEFAULT_TENANT, ThreadId(thread))
    if (now.values["turn"], now.end) != (turns, turns * ROWS_OF_A_TURN):
        raise RuntimeError(f"{turns} turns were taken, and the thread counts {now.values['turn']} in {now.end} rows")
    return Soaked(turns, warm_up, warm_bytes, end_bytes, _median_ms(before[-WINDOW:]), _median_ms(after[-WINDOW:]), now.tail)


async def _talk(ours: Measured, thread: str, numbers: range) -> list[float]:
    """Seconds of each turn, from the order to the last row."""
    took = []
    for number in numbers:
        ours.meter.expect(1)
        began = time.perf_counter()
        await ours.app.desk.start_run(LOCAL_ADMIN, RunOrder(workflow="measured", input={"message": f"message {number}"}, thread_id=thread))
        await ours.meter.all_over()
        took.append(time.perf_counter() - began)
    return took


def _median_ms(seconds: Sequence[float]) -> float:
    return round(median(seconds) * 1000, 3)


def resident_bytes() -> int:
    """Of this process, once what nobody holds is given back to the system."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


def conversation() -> dict[str, Any]:
    """A turn: what is said is kept, a model answers."""
    said = f"${{{{'id': string(state.turn % {KEPT}), 'role': 'user', 'content': input.message}}}}"
    return {
        "weft": 1,
        "name": "measured",
        "version": "1.0.0",
        "input": {"type": "object", "required": ["message"], "properties": {"message": {"type": "string"}}},
        "state": {
            "turn": {"type": "integer", "default": 0, "merge": "add"},
            "messages": {"type": "array", "merge": "messages", "default": []},
            "reply": {"type": "string"},
        },
        "nodes": {
            "hear": {"kind": "transform", "writes": {"turn": "${1}", "messages": said}},
            "answer": {"kind": "llm", "model": "scripted/echo", "messages": "${state.messages}", "writes": {"reply": "${output.text}"}},
        },
        "edges": [{"from": "start", "to": "hear"}, {"from": "hear", "to": "answer"}, {"from": "answer", "to": "end"}],
        "output": {"reply": "${state.reply}"},
    }


if __name__ == "__main__":
    sys.exit(main())

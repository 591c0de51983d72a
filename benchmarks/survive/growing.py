"""One thread of many steps whose list of messages grows with every step: does the last step cost more than an early one?"""

import gc
import random
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

import weft
from benchmarks.lines import Order, timed
from benchmarks.ours.measured import Measured, measured
from benchmarks.survive.cluster import Outside, seen_from_outside
from domain.graph.definition import Join, Node
from domain.json import JsonObject
from domain.ports.nodes import Executor, Finished, Inspection, NodeContext, Workshop

WHO: Final = f"weft {weft.__version__}"
SPEAK: Final = "speak"
MESSAGE_BYTES: Final = 200
EARLY, WINDOW, LEAST_STEPS = 100, 200, 1000
GAP: Final = """
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY gap) * 1e6 FROM (
    SELECT at - lag(at) OVER (ORDER BY position) AS gap FROM journal
    WHERE thread = (SELECT thread FROM runs ORDER BY created_at DESC LIMIT 1)
    AND kind = 'node_finished' AND position BETWEEN $1 AND $2) AS gaps"""
"""Microseconds from one row to the next: the median over some of the newest run's rows."""


@dataclass(frozen=True, slots=True)
class Speak:
    """Says 200 bytes that no database can make shorter. The same ones in every measurement."""

    name: str = SPEAK
    default_join: Join | None = None
    words: random.Random = field(default_factory=lambda: random.Random(7))

    @property
    def schema(self) -> JsonObject:
        return {"type": "object", "additionalProperties": False}

    def inspect(self, node: Node, workshop: Workshop) -> Inspection:
        return Inspection()

    def build(self, node: Node, workshop: Workshop) -> Executor:
        def speak(_: NodeContext) -> Finished:
            return Finished(self.words.randbytes(MESSAGE_BYTES // 2).hex())

        return Executor(speak, waits=False)


def talk(most: int) -> dict[str, Any]:
    """One node again and again, until `input.steps` messages are there."""
    again = {"from": "n", "edge_type": "flexible_conditional", "route": [{"when": "state.x < input.steps", "to": "n"}], "otherwise": "end"}
    return {
        "weft": 1,
        "name": "measured",
        "version": "1.0.0",
        "limits": {"steps": most + 1, "visits": most + 1},
        "state": {
            "x": {"type": "integer", "default": 0},
            "messages": {"type": "array", "items": {"type": "string"}, "merge": "append", "default": []},
        },
        "output": {"x": "${state.x}"},
        "nodes": {"n": {"kind": SPEAK, "writes": {"x": "${state.x + 1}", "messages": "${output}"}}},
        "edges": [{"from": "start", "to": "n"}, again],
    }


async def growing(order: Order) -> None:
    """A short thread goes before, as a warm-up, and to see whether a long one's steps take more room. `value`: how many times
    as long as a step around the hundredth one of the last takes; medians, while the mean of all is in the details."""
    short = max(order.size // 10, LEAST_STEPS)
    async with measured(order.database, talk(max(order.size, short)), Speak()) as ours, seen_from_outside(order) as outside:
        _, few = await _one_thread(ours, outside, short)
        gc.collect()
        found = [await _one_thread(ours, outside, order.size) for _ in range(order.repetitions)]
    details = {name: median(grown[name] for _, grown in found) for name in found[0][1]}
    details["table_bytes_short"] = few["table_bytes"]
    order.say(WHO, [seconds for seconds, _ in found], unit="times", value=details["late_us"] / details["early_us"], details=details)


async def _one_thread(ours: Measured, outside: Outside, steps: int) -> tuple[float, dict[str, float]]:
    size, written = await outside.size(), await outside.written()
    runs: list[str] = []

    async def run() -> None:
        runs[:] = await ours.runs(1, {"steps": steps})

    (seconds,) = await timed(run, 1)
    assert await ours.outputs(runs) == [{"x": steps}]
    return seconds, {
        "step_us": seconds / steps * 1e6,
        "early_us": await outside.value(GAP, EARLY - WINDOW // 2, EARLY + WINDOW // 2),
        "late_us": await outside.value(GAP, steps - WINDOW, steps),
        "table_bytes": (await outside.size() - size) / steps,
        "wal_bytes": (await outside.written() - written) / steps,
    }

"""How long it takes from an answer to a parked run until its next node starts, on PostgreSQL.

    python -m benchmarks.answering [--answers 300] [--database postgresql://...]

Without a database it starts a server of its own. Writes benchmarks/results/answering.json and the table of docs/benchmarks.md when as many
answers as always were given; prints the JSON. Ends with 1 when the bound is missed.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from application.access import LOCAL_ADMIN
from application.answering import AnswerOrder
from application.run_orders import RunOrder
from benchmarks.machine import described
from benchmarks.ours.measured import Measured, measured
from benchmarks.page import PAGE, put, table
from benchmarks.survive.quantiles import milliseconds
from domain.graph.definition import Join, Node
from domain.json import JsonObject
from domain.ports.nodes import Executor, Finished, Inspection, NodeContext, Workshop
from tests.servers.postgres import binaries, running_postgres

LATEST: Final = Path(__file__).parent / "results" / "answering.json"
ANSWERS: Final = 300
WARM_UP: Final = 20
MOST_MS: Final = 15.0
DOCUMENT: Final[dict[str, Any]] = {
    "weft": 1,
    "name": "measured",
    "version": "1.0.0",
    "state": {"said": {"type": "boolean"}},
    "nodes": {
        "ask": {"kind": "human", "show": "go on?", "schema": {"type": "boolean"}, "writes": {"said": "${output}"}},
        "next": {"kind": "stamp"},
    },
    "edges": [{"from": "start", "to": "ask"}, {"from": "ask", "to": "next"}, {"from": "next", "to": "end"}],
}


@dataclass(eq=False)
class Stamp:
    """A node kind that notes when it starts, as one that touches the world does: after everything before it is durable."""

    name: str = "stamp"
    default_join: Join | None = None
    started: float = 0.0
    has_started: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def schema(self) -> JsonObject:
        return {"type": "object", "additionalProperties": False}

    def inspect(self, node: Node, workshop: Workshop) -> Inspection:
        return Inspection()

    def build(self, node: Node, workshop: Workshop) -> Executor:
        async def note(_: NodeContext) -> Finished:
            self.started = time.perf_counter()
            self.has_started.set()
            return Finished(None)

        return Executor(note, effects=True)


def main() -> int:
    asked = _asked()
    with _database(asked.database) as url:
        took = asyncio.run(_measured(url, asked.answers))
    told = milliseconds(took)
    report = {"machine": described(str(binaries()[0])), "answers": asked.answers, "most_p50_ms": MOST_MS, **told}
    print(json.dumps(report, indent=1))
    if asked.answers == ANSWERS:
        LATEST.write_text(json.dumps(report, indent=1) + "\n")
        put(PAGE, "answering", text_of(report))
    is_met = bool(told["value"] <= MOST_MS)
    if not is_met:
        print("missed: p50", file=sys.stderr)
    return 0 if is_met else 1


def text_of(report: dict[str, Any]) -> str:
    """The part of the page between the markers."""
    machine, details = report["machine"], report["details"]
    where = f"{machine['date']}. {machine['cores']} cores of {machine['processor']}, PostgreSQL {machine['postgres']} (fsync on)."
    head = ("", "p50, ms", "p99, ms", "longest, ms", "demanded of p50")
    found = (f"{report['value']:.1f}", f"{details['p99']:.1f}", f"{details['worst']:.1f}", f"≤ {MOST_MS:g}")
    return f"{where}\n\n{table(head, [('answer to the start of the next node', *found)])}"


async def _measured(url: str, answers: int) -> list[float]:
    stamp = Stamp()
    async with measured(url, DOCUMENT, stamp) as ours:
        took = [await _answered(ours, stamp) for _ in range(WARM_UP + answers)]
    return took[WARM_UP:]


async def _answered(ours: Measured, stamp: Stamp) -> float:
    """Seconds for one run that is parked when the answer comes, and holds nothing."""
    desk = ours.app.desk
    run = (await desk.start_run(LOCAL_ADMIN, RunOrder(workflow="measured"))).view.id
    _, is_parked = await desk.wait_for_run(LOCAL_ADMIN, run, 30.0)
    if not is_parked:
        raise RuntimeError(f"run {run} does not ask")
    stamp.has_started.clear()
    ours.meter.expect(1)
    began = time.perf_counter()
    await desk.answer_run(LOCAL_ADMIN, run, AnswerOrder(activation="/ask#1", answer=True))
    await stamp.has_started.wait()
    await ours.meter.all_over()
    return stamp.started - began


@contextmanager
def _database(given: str | None) -> Iterator[str]:
    if given is not None:
        yield given
        return
    with TemporaryDirectory() as folder, running_postgres(Path(folder)) as server:
        yield server.dsn("postgres")


def _asked(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--answers", type=int, default=ANSWERS)
    parser.add_argument("--database")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())

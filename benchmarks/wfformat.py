"""Recorded workflows on our engine: python -m benchmarks.wfformat DIR [--scale S] [--concurrency N] (which is `make wfformat DIR=...`)

Every file of DIR is imported and run, durable after every step, on SQLite. Every task must have run once, after all it waits for, and
the run may take at most 1.1 times what a list schedule without any overhead takes at the same concurrency; else it ends with 1.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from application.access import LOCAL_ADMIN
from application.errors import ValidationError
from application.run_orders import RunOrder
from application.run_views import RunView
from application.wfformat import Order, graph_of
from benchmarks.list_schedule import makespan
from bootstrap import App, open_app
from domain.graph.definition import END, START
from domain.ids import Position, RunId, ThreadId
from domain.run.events import NodeFinished
from infrastructure.telemetry import logging
from settings import read_settings

MOST: Final = 1.1
SHORTEST: Final = 12.0
LONGEST: Final = 20.0
SECONDS_A_TASK: Final = 0.02
"""How long the list schedule takes when no scale is given: longer with many tasks, or the disk would be measured and not the order."""
PATIENCE: Final = 20.0
"""How many times longer than the list schedule a run may take before it is given up."""

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Visit:
    """A task that finished: its journal row, and the row whose state it read when it began."""

    node: str
    position: int
    read_at: int


@dataclass(frozen=True, slots=True)
class Played:
    """A run that has ended. `seconds`: from the order to its last row being durable."""

    status: str
    seconds: float
    visits: Sequence[Visit]


@dataclass(frozen=True, slots=True)
class Measured:
    file: str
    tasks: int
    scale: float
    least: float
    played: Played
    wrong: Sequence[str]

    @property
    def ratio(self) -> float:
        return self.played.seconds / self.least if self.least else 1.0

    @property
    def is_good(self) -> bool:
        return not self.wrong and self.ratio <= MOST


async def run_document(document: Document, folder: Path, most_seconds: float) -> Played:
    """On an engine and a database of its own. `TimeoutError` when the run takes longer than `most_seconds`."""
    settings = read_settings(database_url=f"sqlite:///{folder / 'weft.db'}", log="warning")
    async with open_app(settings) as app:
        working = asyncio.create_task(app.worker.run())
        try:
            return await _play(app, document, most_seconds)
        finally:
            app.worker.stop()
            await working


async def _play(app: App, document: Document, most_seconds: float) -> Played:
    clock = asyncio.get_running_loop()
    began = clock.time()
    started = await app.desk.start_run(LOCAL_ADMIN, RunOrder(workflow=dict(document)))
    view, is_over = await app.desk.wait_for_run(LOCAL_ADMIN, started.view.id, most_seconds)
    seconds = clock.time() - began
    if not is_over:
        raise TimeoutError(f"{document['name']} has not ended after {most_seconds:.0f} s")
    return Played(view.status.value, seconds, await _visits(app, view))


async def _visits(app: App, run: RunView) -> list[Visit]:
    journal, visits, after = app.shared.store().journal, [], Position(0)
    while rows := await journal.read(LOCAL_ADMIN.tenant, ThreadId(run.thread_id), after, run=RunId(run.id)):
        for row in rows:
            event = journal.decode(row)
            if isinstance(event, NodeFinished):
                visits.append(Visit(event.activation.strip("/").partition("#")[0], row.position, event.read_at))
        after = rows[-1].position
    return visits


def seconds_of(document: Document) -> dict[str, float]:
    return {name: node["arguments"]["seconds"] for name, node in document["nodes"].items()}


def parents_of(document: Document) -> dict[str, Set[str]]:
    found: dict[str, set[str]] = {name: set() for name in document["nodes"]}
    for edge in document["edges"]:
        if edge["from"] != START and edge["to"] != END:
            found[edge["to"]].add(edge["from"])
    return dict(found)


def what_is_wrong(document: Document, played: Played) -> Iterator[str]:
    """A task that did not run once, or began before everything it waits for had finished."""
    if played.status != "completed":
        yield f"the run {played.status}"
    visits: dict[str, list[Visit]] = {name: [] for name in document["nodes"]}
    for visit in played.visits:
        visits[visit.node].append(visit)
    for name, found in visits.items():
        if len(found) != 1:
            yield f"{name} ran {len(found)} times"
    for name, parents in parents_of(document).items():
        for parent in parents:
            if any(earlier.position > later.read_at for earlier in visits[parent] for later in visits[name]):
                yield f"{name} began before {parent} had finished"


def measure(file: Path, scale: float | None, concurrency: int, order: Order) -> Measured:
    recorded = json.loads(file.read_bytes())
    chosen = scale if scale is not None else fitting_scale(recorded, concurrency, order)
    document = graph_of(recorded, scale=chosen, concurrency=concurrency, order=order)
    seconds, parents = seconds_of(document), parents_of(document)
    least = makespan(seconds, parents, concurrency)
    with TemporaryDirectory() as folder:
        played = asyncio.run(run_document(document, Path(folder), PATIENCE * least + 60))
    return Measured(file.name, len(seconds), chosen, least, played, list(what_is_wrong(document, played)))


def fitting_scale(recorded: dict[str, Any], concurrency: int, order: Order) -> float:
    """With which the list schedule takes about as long as people like to wait."""
    tiny = graph_of(recorded, scale=1e-3, concurrency=concurrency, order=order)
    seconds = seconds_of(tiny)
    wanted = min(LONGEST, max(SHORTEST, SECONDS_A_TASK * len(seconds)))
    return round(wanted / max(makespan(seconds, parents_of(tiny), concurrency) * 1e3, 1e-3), 6)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.wfformat", description="Run recorded workflows and check order and makespan."
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder of WfFormat files")
    parser.add_argument(
        "--scale",
        type=float,
        help=f"recorded seconds are multiplied by this (default: so that each takes {SHORTEST:.0f} to {LONGEST:.0f} s)",
    )
    parser.add_argument("--concurrency", type=int, default=8)
    parser.add_argument("--order", type=Order, choices=list(Order), default=Order.DOCUMENT)
    return parser.parse_args()


def main() -> int:
    told = arguments()
    logging.configure("warning")
    files = sorted(told.folder.glob("*.json"))
    if not files:
        print(f"there are no .json files in {told.folder}", file=sys.stderr)
        return 2
    print(
        f"{'file':48} {'tasks':>5} {'scale':>9} {'list s':>7} {'ours s':>7} {'ratio':>6}   (at most {MOST}, concurrency {told.concurrency})"
    )
    bad = [file for file in files if not _tell(file, told)]
    print(f"{len(files) - len(bad)} of {len(files)} ran every task once and in order, within {MOST} times the list schedule")
    return 1 if bad else 0


def _tell(file: Path, told: argparse.Namespace) -> bool:
    """One line of the table; True when all is well."""
    print(f"{file.name[:48]:48} ...", end="", flush=True)
    try:
        found = measure(file, told.scale, told.concurrency, told.order)
    except (ValidationError, TimeoutError, json.JSONDecodeError) as error:
        print(f"\r{file.name[:48]:48} {error}")
        return False
    row = f"{found.tasks:5} {found.scale:9.6f} {found.least:7.2f} {found.played.seconds:7.2f} {found.ratio:6.3f}"
    print(f"\r{file.name[:48]:48} {row}{'' if found.is_good else '   BAD'}")
    for sentence in found.wrong[:10]:
        print(f"    {sentence}")
    return found.is_good


if __name__ == "__main__":
    sys.exit(main())

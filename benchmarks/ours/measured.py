"""Weft as it is served, with one thing more: it says when runs are over, so that no polling is measured."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from dependency_injector import providers

from application.access import LOCAL_ADMIN
from application.run_orders import RunOrder
from bootstrap import App, Shared, open_app
from domain.graph.definition import Join, Node
from domain.ids import DEFAULT_TENANT, RunId
from domain.json import JsonObject
from domain.ports.nodes import Executor, Finished, Inspection, NodeContext, NodeKind, Workshop
from domain.run.run import Run
from infrastructure.telemetry import logging
from infrastructure.telemetry.metrics import PrometheusMeter
from settings import read_settings

NOTHING = Finished(None)
NO_OP = "noop"


@dataclass(frozen=True, slots=True)
class NoOp:
    """A node kind that does nothing: what is left is the engine."""

    name: str = NO_OP
    default_join: Join | None = None

    @property
    def schema(self) -> JsonObject:
        return {"type": "object", "additionalProperties": False}

    def inspect(self, node: Node, workshop: Workshop) -> Inspection:
        return Inspection()

    def build(self, node: Node, workshop: Workshop) -> Executor:
        def nothing(_: NodeContext) -> Finished:
            return NOTHING

        return Executor(nothing, waits=False)


class CountingMeter(PrometheusMeter):
    """Runs that are over: their last row is durable when the engine says so to its meter."""

    def __init__(self) -> None:
        super().__init__()
        self._over = 0
        self._awaited = 0
        self._all_over = asyncio.Event()

    def run_ended(self, run: Run, seconds: float) -> None:
        super().run_ended(run, seconds)
        self._over += 1
        if self._over >= self._awaited:
            self._all_over.set()

    def expect(self, runs: int) -> None:
        """So many more from now on."""
        self._awaited = self._over + runs
        self._all_over.clear()

    async def all_over(self) -> None:
        await self._all_over.wait()


@dataclass(frozen=True)
class Measured:
    """An open app with a worker at work, and one published workflow."""

    app: App
    meter: CountingMeter

    async def runs(self, count: int, given: dict[str, Any]) -> list[str]:
        """Start so many at once, by the same use case as a request does, and wait until all are over. Their ids."""
        self.meter.expect(count)
        order = RunOrder(workflow="measured", input=given)
        started = await asyncio.gather(*(self.app.desk.start_run(LOCAL_ADMIN, order) for _ in range(count)))
        await self.meter.all_over()
        return [one.view.id for one in started]

    async def outputs(self, runs: list[str]) -> list[Any]:
        """What each run made, as the store has it. A run that did not complete is an error."""
        stored = [await self.app.shared.store().runs.get(DEFAULT_TENANT, RunId(run)) for run in runs]
        for run in stored:
            if run.status != "completed":
                raise RuntimeError(f"run {run.id} {run.status.value}: {run.failure}")
        return [run.output for run in stored]


@asynccontextmanager
async def measured(database: str, document: dict[str, Any], *kinds: NodeKind) -> AsyncIterator[Measured]:
    """Warnings are logged, and nothing else, as `weft run` does it. `kinds`: what the document names and Weft does not have."""
    logging.configure("warning")
    meter = CountingMeter()
    Shared.meter.override(providers.Object(meter))
    async with open_app(read_settings(database_url=database, log="warning")) as app:
        app.shared.kinds().loaded.update({kind.name: kind for kind in (NoOp(), *kinds)})
        working = asyncio.create_task(app.work())
        await app.desk.publish_workflow(LOCAL_ADMIN, document)
        yield Measured(app, meter)
        app.worker.stop()
        await working

"""What ways through a workflow cost, from the journals of its newest runs and the ledger."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from application.drawing import DrawWorkflow
from application.path_cost_views import Described, PathCostsView
from application.times import WrittenTime
from domain.access import Principal, Role
from domain.ids import Position
from domain.path_costs import PathCosts
from domain.ports.journal import Journal
from domain.ports.repositories import RunFilter, Runs, UsageLedger, Workflows
from domain.run.events import Event
from domain.run.run import Run
from domain.workflow import WorkflowVersion

MOST_RUNS: Final = 200
MOST_LISTED: Final = 2_000
"""Of a version most of whose runs are still under way, no more are looked through for those that have ended."""
MOST_ROWS: Final = 100_000
_PAGE: Final = 1_000


class PathCostsOrder(BaseModel):
    """`version`: the newest when none is said. The times bound when a run was started: from `since` on, before `until`. `limit`: of so many
    runs, the newest; of fewer where they have more than 100,000 rows together."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Annotated[str | None, Field(max_length=100, pattern=r"^[^\x00]*$")] = None
    since: WrittenTime | None = None
    until: WrittenTime | None = None
    limit: Annotated[int, Field(ge=1, le=MOST_RUNS)] = 50


@dataclass(frozen=True, slots=True)
class CostPaths:
    workflows: Workflows
    runs: Runs
    journal: Journal
    ledger: UsageLedger
    draw: DrawWorkflow

    async def __call__(self, who: Principal, name: str, order: PathCostsOrder) -> PathCostsView:
        return (await self._described(who, name, order)).view()

    async def picture(self, who: Principal, name: str, order: PathCostsOrder, language: str) -> str:
        """The graph with what it costs on it."""
        described = await self._described(who, name, order)
        return self.draw.drawn(described.graph, language, described.notes())

    async def _described(self, who: Principal, name: str, order: PathCostsOrder) -> Described:
        who.must_be(Role.VIEWER)
        found = await self.workflows.get(who.tenant, name, order.version)
        costs, rows = PathCosts(), 0
        async for run in self._ended(found, order):
            events = await self._rows(run)
            costs.add(events, await self.ledger.of_run(run.tenant, run.id))
            rows += len(events)
            if rows >= MOST_ROWS:
                break
        return Described(found.graph, costs)

    async def _ended(self, version: WorkflowVersion, order: PathCostsOrder) -> AsyncIterator[Run]:
        wanted = RunFilter(workflow=version.graph.id, since=order.since, until=order.until)
        cursor, looked, left = None, 0, order.limit
        while looked < MOST_LISTED:
            page = await self.runs.list(version.tenant, wanted, 200, cursor)
            for run in page.items:
                if run.status.is_final and left:
                    left -= 1
                    yield run
            looked, cursor = looked + len(page.items), page.next_cursor
            if cursor is None or not left:
                return

    async def _rows(self, run: Run) -> Sequence[tuple[Position, Event]]:
        found: list[tuple[Position, Event]] = []
        after = run.first
        while len(found) < MOST_ROWS:
            rows = await self.journal.read(run.tenant, run.thread, after, _PAGE, run.id)
            found += [(row.position, self.journal.decode(row)) for row in rows]
            if len(rows) < _PAGE:
                break
            after = rows[-1].position
        return found

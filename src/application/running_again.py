"""Running again from a position of a thread, on a branch: with other values, another input, another workflow, or just once more."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from application.branch_orders import AgainOrder, AgainView
from application.branching import CutBranch, Named
from application.channels import misfits
from application.editing import EditThread
from application.errors import below
from application.outside import Request, WriteFromOutside
from application.paging import PageOrder, shown
from application.past import Moment
from application.placing import Place
from application.run_orders import RunOrder
from application.run_views import RunListItem, RunView
from application.runs import StartRun
from application.threads import find_thread, thread_view
from application.views import PageView
from domain.access import Principal, Role
from domain.change import Change, applied
from domain.errors import Problem, RunNotFound, ThreadError, ValidationError
from domain.ids import BEGINNING, Position, RunId
from domain.json import Json, JsonObject
from domain.ports.repositories import RunFilter
from domain.run.events import StateEdited
from domain.run.run import Run
from domain.thread import Thread, ThreadMetadata
from domain.workflow import WorkflowVersion

_ROWS: Final = 100
"""So far around a position is looked for the run that it belongs to."""


@dataclass(frozen=True, slots=True)
class RunAgain:
    """The thread itself stays as it is. All that can be wrong with an order is said before anything is made."""

    cut: CutBranch
    start: StartRun
    edit: EditThread
    write: WriteFromOutside

    async def __call__(self, who: Principal, thread: str, order: AgainOrder, key: str | None = None) -> AgainView:
        """`ValidationError`, with pointers, also for edits; what branching raises, and what starting raises."""
        who.must_be(Role.OPERATOR)
        parent = await find_thread(self.cut.threads, who, thread)
        named = await self.cut.named(who, parent, order.at, key, order.digest(parent.id))
        known = await self._known(who, named.run)
        if known is not None:
            return AgainView(run=known, thread=await thread_view(self.cut.threads, await self.cut.threads.get(who.tenant, named.branch)))
        other = await self._run_at(parent, named.at)
        version, embedded = await self._version(who, order, other)
        run_order = order.order(version.graph.id, _input(order, other), parent.id)
        place = await self.start.place(who, run_order)
        self.start.made(who, run_order, version, place)
        changes = await self._changes(parent, order, named, version, run_order.input)
        branch = await self.cut(parent, named, ThreadMetadata(order.name, None, parent.metadata.priority))
        await self._edit(who, branch, order, changes)
        return await self._started(who, run_order, Place(branch, place.acting), version, embedded, named)

    async def _known(self, who: Principal, run: RunId) -> RunView | None:
        try:
            return (await self.start.again(who, await self.start.runs.get(who.tenant, run))).view
        except RunNotFound:
            return None

    async def _run_at(self, parent: Thread, at: Position) -> Run | None:
        """The run whose row comes next; at the end, the one whose row is the newest."""
        journal, tenant = self.cut.past.journal, parent.tenant
        ahead = await journal.read(tenant, parent.id, at, _ROWS)
        behind = await journal.read(tenant, parent.id, Position(max(at - _ROWS, BEGINNING)), min(_ROWS, at)) if at else ()
        named = [*(row.run for row in ahead), *(row.run for row in reversed(behind))]
        for run in dict.fromkeys(run for run in named if run):
            try:
                return await self.start.runs.get(tenant, run)
            except RunNotFound:  # swept away
                continue
        return None

    async def _version(self, who: Principal, order: AgainOrder, other: Run | None) -> tuple[WorkflowVersion, WorkflowVersion | None]:
        if order.workflow is not None:
            return await self.start.find(who.tenant, order.workflow)
        if other is None:
            problem = Problem("/workflow", "missing", "no run was near that position: say which workflow to run")
            raise ValidationError("nothing says what to run again", [problem])
        return await self.start.find.workflows.by_hash(who.tenant, other.workflow_hash), None

    async def _changes(
        self, parent: Thread, order: AgainOrder, named: Named, version: WorkflowVersion, given: Collection[str]
    ) -> Sequence[Change]:
        """What the edits come to. `ThreadError` when the workflow does not take what the thread would hold then."""
        moment, changes = await self.cut.past.at(parent.tenant, parent.id, named.at), tuple[Change, ...]()
        if order.edits is not None:
            try:
                changes = self.edit.checked(moment, order.edits, version.graph.channels)
            except ValidationError as error:
                raise ValidationError(error.message, below("/edits", error.problems)) from error
        self._check_held(applied(moment.values, changes), version, given)
        return changes

    def _check_held(self, held: Mapping[str, Json], version: WorkflowVersion, given: Collection[str]) -> None:
        """The run would say the same at its start, of a branch that is there by then."""
        kept = [name for name in version.graph.channels if name in held and name not in given]
        for problem in misfits(self.edit.schemas, version.graph.channels, held, held, kept):
            message = f"the thread holds a value at {problem.pointer} that {version.graph.id} does not take: {problem.message}"
            raise ThreadError(f"{message}; say another one in `edits`")

    async def _edit(self, who: Principal, branch: Thread, order: AgainOrder, changes: Sequence[Change]) -> None:
        """By a row of its own, once."""
        if not changes or order.edits is None:
            return
        reason = order.edits.reason

        async def decide(_: Moment, key: str) -> StateEdited:
            return StateEdited(tuple(changes), who.name, reason, key)

        await self.write(who, branch.id, Request(f"run again {branch.id}", branch.parent_position), decide)

    async def _started(
        self, who: Principal, order: RunOrder, place: Place, version: WorkflowVersion, embedded: WorkflowVersion | None, named: Named
    ) -> AgainView:
        run = self.start.made(who, order, version, place)
        started = await self.start.put(who, order, run, place, version, embedded=embedded, run_id=named.run)
        thread = await self.cut.threads.get(who.tenant, named.branch)
        return AgainView(run=started.view, thread=await thread_view(self.cut.threads, thread))

    async def list(self, who: Principal, thread: str, order: PageOrder) -> PageView[RunListItem]:
        """Runs of a thread, newest first; those that its ancestors had are theirs."""
        who.must_be(Role.VIEWER)
        found = await find_thread(self.cut.threads, who, thread)
        return shown(await self.start.runs.list(who.tenant, RunFilter(thread=found.id), order.limit, order.cursor), RunListItem.of)


def _input(order: AgainOrder, other: Run | None) -> JsonObject:
    """The input of the run at that position is for its own workflow."""
    if order.input is not None:
        return {**order.input}
    return {**other.input} if other is not None and order.workflow is None else {}

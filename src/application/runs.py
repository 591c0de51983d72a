"""Runs: start one, look at it, stop it."""

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from application.activations import describe
from application.ended import Describe
from application.errors import below
from application.flow import MakeTerms, due_at
from application.making_way import MakeWay
from application.names import id_or
from application.paging import PageOrder, shown
from application.placing import FindPlace, Place
from application.run_orders import RunOrder, misfits, strange_stops
from application.run_views import RunListItem, RunView
from application.times import WrittenTime
from application.views import PageView
from application.workflows import CheckDocument, HashOf
from domain.access import Principal, Role
from domain.errors import RunNotFound, ValidationError
from domain.ids import NewId, RunId, SessionId, TenantId, ThreadId
from domain.json import Json, JsonObject
from domain.ports.clock import Clock
from domain.ports.inbox import Inbox
from domain.ports.journal import Journal
from domain.ports.repositories import IdempotencyMark, Marks, NewRun, RunFilter, Runs, Workflows
from domain.ports.schemas import Schemas
from domain.ports.traces import traceparent_here
from domain.run.run import Continued, Run, RunStatus
from domain.run.terms import OnBusy
from domain.workflow import WorkflowMetadata, WorkflowVersion


@dataclass(frozen=True, slots=True)
class FindWorkflow:
    """What an order means by `workflow`; the second of the pair is the version when it was posted whole, to be kept with the run."""

    workflows: Workflows
    check: CheckDocument
    hash_of: HashOf
    clock: Clock

    async def __call__(self, tenant: TenantId, wanted: str | JsonObject) -> tuple[WorkflowVersion, WorkflowVersion | None]:
        if isinstance(wanted, str):
            name, _, version = wanted.partition("@")
            return await self.workflows.get(tenant, name, version or None), None
        embedded = await self._embedded(tenant, wanted)
        return embedded, embedded

    async def _embedded(self, tenant: TenantId, document: JsonObject) -> WorkflowVersion:
        try:
            graph = (await self.check(tenant, document)).checked()
        except ValidationError as error:
            raise ValidationError(error.message, below("/workflow", error.problems)) from error
        now = self.clock.now()
        about = WorkflowMetadata(self.hash_of(document), graph.name, graph.version, graph.description, now, now, graph.tags)
        return WorkflowVersion(tenant, about, document, graph)


@dataclass(frozen=True, slots=True)
class StartedRun:
    """`fresh` False: an earlier request with the same key and body had started it. `joined`: it was there already, and is what this start
    comes to by its workflow's `flow`."""

    view: RunView
    fresh: bool
    joined: bool = False


@dataclass(frozen=True, slots=True)
class StartRun:
    """Everything that can be wrong with an order is said before anything is stored; a key that came before is answered before that."""

    runs: Runs
    marks: Marks
    journal: Journal
    find: FindWorkflow
    schemas: Schemas
    terms: MakeTerms
    place: FindPlace
    make_way: MakeWay
    new_id: NewId
    clock: Clock

    async def __call__(self, who: Principal, order: RunOrder, key: str | None = None) -> StartedRun:
        return await self.begin(who, order, None if key is None else IdempotencyMark(key, order.digest(), self.clock.now()))

    async def begin(self, who: Principal, order: RunOrder, mark: IdempotencyMark | None, run_id: RunId | None = None) -> StartedRun:
        """With a mark and an id of the caller's own."""
        who.must_be(Role.OPERATOR)
        if mark is not None and (known := await self.marks.known(who.tenant, mark)) is not None:
            return await self.again(who, await self.runs.get(who.tenant, RunId(known)))
        version, embedded = await self.find(who.tenant, order.workflow)
        place = await self.place(who, order)
        run = self.made(who, order, version, place)
        return await self.put(who, order, run, place, version, mark=mark, embedded=embedded, run_id=run_id)

    async def put(
        self,
        who: Principal,
        order: RunOrder,
        run: Run,
        place: Place,
        version: WorkflowVersion,
        *,
        mark: IdempotencyMark | None = None,
        embedded: WorkflowVersion | None = None,
        run_id: RunId | None = None,
    ) -> StartedRun:
        """Into the line, on the terms of its workflow and its thread."""
        order, flow = self._with_priority(order, place), version.graph.flow
        terms = self.terms(version.graph.name, flow, order, run.input)
        if order.on_busy is OnBusy.REJECT and place.thread is not None:
            terms = replace(terms, rejects_busy=True)
        if run.continues is not None:
            terms = replace(terms, singleton=None, debounce=None)
        placed = replace(run, id=run_id or run.id, priority=self.terms.priority(flow, order), due_at=due_at(run.created_at, terms))
        started = await self.runs.start(NewRun(placed, place.thread is None, mark, embedded, terms, place.sequence))
        await self.place.look_again(who, started.run)
        if started.fresh:  # a run that was queued a moment ago has no rows to tell of
            await self.make_way(who, placed)
            return StartedRun(RunView.whole(placed, (), 0, {}), fresh=True)
        return replace(await self.again(who, started.run), joined=terms.is_sole)

    async def go_on(
        self, who: Principal, order: RunOrder, other: Run, place: Place, version: WorkflowVersion, run_id: RunId, continues: Continued
    ) -> None:
        """Another run's way, as a run of its own; once. It is nobody else's run, whatever the keys of its workflow say."""
        with suppress(RunNotFound):
            await self.runs.get(who.tenant, run_id)
            return
        made = self.made(who, order, version, place)
        made = replace(made, limits=other.limits, snapshots=other.snapshots, continues=continues)
        await self.put(who, order, made, place, version, run_id=run_id)

    def _with_priority(self, order: RunOrder, place: Place) -> RunOrder:
        """An order that says none has that of its thread."""
        usual = None if place.thread is None else place.thread.metadata.priority
        return order if usual is None or order.priority is not None else order.model_copy(update={"priority": usual})

    async def again(self, who: Principal, run: Run) -> StartedRun:
        """It may have been started by somebody who did not get any further."""
        await self.make_way(who, run)
        return StartedRun(await describe(self.journal, run), fresh=False)

    def made(self, who: Principal, order: RunOrder, version: WorkflowVersion, place: Place) -> Run:
        """What an order asks for; `ValidationError` for what does not fit its workflow."""
        given: dict[str, Json] = {**order.input}
        graph = version.graph
        problems = [*misfits(self.schemas, graph, given), *order.limits.too_high(graph.limits), *strange_stops(graph, order)]
        if problems:
            raise ValidationError(f"the order does not fit {version.graph.id}: see `problems`", problems)
        return Run(
            id=RunId(self.new_id()),
            tenant=who.tenant,
            thread=ThreadId(self.new_id()) if place.thread is None else place.thread.id,
            workflow=version.graph.id,
            workflow_hash=version.metadata.id,
            input=given,
            created_at=self.clock.now(),
            mode=order.mode,
            durability=order.durability,
            limits=order.limits.lowering(version.graph.limits),
            metadata={**order.metadata},
            concurrency_key=order.concurrency_key,
            on_busy=order.on_busy,
            snapshots=None if order.snapshots is None else order.snapshots.policy(),
            acting=place.acting,
            pause_before=tuple(dict.fromkeys(order.pause_before)),
            pause_after=tuple(dict.fromkeys(order.pause_after)),
            trace=traceparent_here(),
        )


@dataclass(frozen=True, slots=True)
class GetRun:
    runs: Runs
    describe: Describe

    async def __call__(self, who: Principal, run: str) -> RunView:
        who.must_be(Role.VIEWER)
        return await self.describe(await find_run(self.runs, who, run))


class RunListOrder(PageOrder):
    """The times bound `created_at`: from `since` on, before `until`."""

    status: RunStatus | None = None
    workflow: Annotated[str | None, Field(max_length=301, pattern=r"^[^\x00]*$")] = None
    thread_id: Annotated[str | None, Field(max_length=64, pattern=r"^[^\x00]*$")] = None
    session_id: Annotated[str | None, Field(max_length=64, pattern=r"^[^\x00]*$")] = None
    since: WrittenTime | None = None
    until: WrittenTime | None = None


@dataclass(frozen=True, slots=True)
class ListRuns:
    runs: Runs

    async def __call__(self, who: Principal, order: RunListOrder) -> PageView[RunListItem]:
        """Newest first."""
        who.must_be(Role.VIEWER)
        thread = None if order.thread_id is None else ThreadId(order.thread_id)
        session = None if order.session_id is None else SessionId(order.session_id)
        wanted = RunFilter(order.status, order.workflow, thread, order.since, order.until, session)
        return shown(await self.runs.list(who.tenant, wanted, order.limit, order.cursor), RunListItem.of)


class CancelOrder(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    reason: Annotated[str, Field(strict=True, max_length=2000)] = ""


@dataclass(frozen=True, slots=True)
class CancelRun:
    """Asks for it, and may be asked any number of times; whoever holds the run does it. A run that has ended stays as it ended."""

    runs: Runs
    journal: Journal
    inbox: Inbox

    async def __call__(self, who: Principal, run: str, order: CancelOrder) -> RunView:
        who.must_be(Role.OPERATOR)
        found = await find_run(self.runs, who, run)
        if not found.status.is_final:
            await self.inbox.put(who.tenant, found.thread, found.id, "cancel", {"by": who.name, "reason": order.reason}, "cancel")
        return await describe(self.journal, found)


async def find_run(runs: Runs, who: Principal, run: str) -> Run:
    return await runs.get(who.tenant, RunId(id_or(RunNotFound, run)))

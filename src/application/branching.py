"""Threads that share the past of another up to a position, and go their own way from there."""

from dataclasses import dataclass
from typing import Final

from application.branch_orders import BranchOrder, BranchView
from application.once import Once
from application.paging import PageOrder
from application.past import Moment, Past
from application.placing import Place
from application.run_orders import RunOrder
from application.runs import StartRun
from application.threads import find_thread, thread_view, threads_page
from application.views import PageView, ThreadView, json_object
from domain.access import Principal, Role
from domain.errors import NothingUnderWay, PositionNotFound
from domain.ids import BEGINNING, NewId, Position, RunId, ThreadId
from domain.ports.clock import Clock
from domain.ports.repositories import ThreadFilter, Threads
from domain.run.continuing import is_ending
from domain.run.run import Continued, Run
from domain.run.state import RunState
from domain.thread import Thread, ThreadMetadata, ThreadType

_INSTEAD: Final = "branch without `continue`, and start a run on the branch, or branch at a position where a run is under way"


@dataclass(frozen=True, slots=True)
class Named:
    """What a request makes, the same however often it comes: a branch, a run on it, and where it leaves its parent."""

    branch: ThreadId
    run: RunId
    at: Position


@dataclass(frozen=True, slots=True)
class CutBranch:
    """Costs a row of the thread and one of its head, whatever the past is."""

    threads: Threads
    past: Past
    once: Once
    new_id: NewId
    clock: Clock

    async def named(self, who: Principal, parent: Thread, at: int | None, key: str | None, digest: str) -> Named:
        """`PositionNotFound` beyond the end, `PositionGone` for what retention removed, `IdempotencyConflict`."""
        end = await self.past.journal.end(who.tenant, parent.id)
        name = f"{self.new_id()} {self.new_id()} {end if at is None else at}"
        if key is not None:
            name = await self.once.named(who, key, digest, name)
        branch, run, written = name.split(" ")
        if int(written) > end:
            raise PositionNotFound(f"the journal of thread {parent.id} ends at {end}: there is no position {written}")
        await self._check_kept(parent, Position(int(written)))
        return Named(ThreadId(branch), RunId(run), Position(int(written)))

    async def __call__(self, parent: Thread, named: Named, about: ThreadMetadata, order: BranchOrder | None = None) -> Thread:
        """Made, or made before."""
        labels = {} if order is None else order.labels
        branch = Thread(
            named.branch, parent.tenant, self.clock.now(), ThreadType.BRANCH, about, labels, parent.session, parent.id, named.at
        )
        await self.threads.add(branch)
        return branch

    async def _check_kept(self, parent: Thread, at: Position) -> None:
        """A row that is there stands on what was before it; otherwise a checkpoint must stand in its place."""
        if at == BEGINNING:
            return
        rows = await self.past.journal.read(parent.tenant, parent.id, Position(at - 1), 1)
        if not rows or rows[0].position != at:
            await self.past.at(parent.tenant, parent.id, at)


@dataclass(frozen=True, slots=True)
class BranchThread:
    """Takes the state at a position, not the run that is under way there, unless that is to go on in the branch."""

    cut: CutBranch
    start: StartRun

    async def __call__(self, who: Principal, thread: str, order: BranchOrder, key: str | None = None) -> BranchView:
        """`NothingUnderWay` where no run can go on."""
        who.must_be(Role.OPERATOR)
        parent = await find_thread(self.cut.threads, who, thread)
        named = await self.cut.named(who, parent, order.at, key, order.digest(parent.id))
        about = ThreadMetadata(order.name, order.description, parent.metadata.priority)
        if not order.goes_on:
            branch = await self.cut(parent, named, about, order)
            return BranchView(**(await self._view(branch, is_new=key is None)).model_dump())
        moment = await self.cut.past.at(who.tenant, parent.id, named.at)
        state = _under_way(parent, moment)
        place = await self.start.place(who, RunOrder.model_construct(workflow="", thread_id=parent.id))
        branch = await self.cut(parent, named, about, order)
        await self._go_on(who, state, Place(branch, place.acting), named)
        return BranchView(**(await thread_view(self.cut.threads, branch)).model_dump(), run_id=named.run)

    async def _view(self, branch: Thread, *, is_new: bool) -> ThreadView:
        if is_new:
            return ThreadView.of(branch)
        return await thread_view(self.cut.threads, await self.cut.threads.get(branch.tenant, branch.id))

    async def _go_on(self, who: Principal, state: RunState, place: Place, named: Named) -> None:
        """On the terms of the other run, as the branch's first; its limits are what they were, its time and its costs begin anew."""
        other = await self.start.runs.get(who.tenant, state.run)
        version = await self.start.find.workflows.by_hash(who.tenant, state.started.workflow)
        await self.start.go_on(who, _order(other), other, place, version, named.run, Continued(other.id, named.at))

    async def list(self, who: Principal, thread: str, order: PageOrder) -> PageView[ThreadView]:
        """Newest first."""
        who.must_be(Role.VIEWER)
        threads = self.cut.threads
        wanted = ThreadFilter((await find_thread(threads, who, thread)).id, thread_type=ThreadType.BRANCH)
        return await threads_page(threads, who.tenant, await threads.list(who.tenant, order.limit, order.cursor, wanted))


def _under_way(parent: Thread, moment: Moment) -> RunState:
    if moment.run is None:
        raise NothingUnderWay(f"no run is under way on thread {parent.id} at position {moment.position}: {_INSTEAD}")
    if is_ending(moment.run):
        raise NothingUnderWay(f"run {moment.run.run} was ending already at position {moment.position}: {_INSTEAD} that is not ending")
    return moment.run


def _order(other: Run) -> RunOrder:
    """What would ask for that run again."""
    return RunOrder.model_construct(
        workflow=other.workflow,
        input=json_object(other.input),
        mode=other.mode,
        durability=other.durability,
        metadata=json_object(other.metadata),
        priority=other.priority,
        concurrency_key=other.concurrency_key,
    )

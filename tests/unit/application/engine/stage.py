"""Where runs are played in tests: the engine over the memory store in virtual time, with nodes that act as a test says."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any

from structlog.testing import capture_logs

from application.appending import EngineTools
from application.budgets.holdings import Holdings
from application.budgets.purse import Purse
from application.deciding import RetryPolicy
from application.documents import parse_graph
from application.drive import Drive
from application.engine import Engine
from application.loading import Loader
from application.preparing_prompts import PromptShelf
from application.programs import ProgramShelf
from application.taking_along import TakeAlong
from application.versions import resolve_versions
from application.working import Worker, WorkerPolicy
from domain.errors import NodeExecutionError, WeftError
from domain.graph.definition import Join, Limits, Node
from domain.ids import BEGINNING, DEFAULT_TENANT, Position, RunId, TenantId, ThreadId, WorkerId
from domain.json import Json, JsonObject
from domain.ports.journal import Append, Checkpoint, Recorded
from domain.ports.meter import ModelCall
from domain.ports.nodes import Executor, Finished, Inspection, NodeContext, NodeKind, Outcome, Workshop
from domain.ports.queue import Claim, QueueDepth, RunQueue
from domain.ports.repositories import NewRun
from domain.run.events import Event
from domain.run.run import Durability, Mode, Run
from domain.usage import Usage, UsageRow
from domain.workflow import WorkflowMetadata, WorkflowVersion
from infrastructure.canonical import content_hash
from infrastructure.expressions import CelExpressions
from infrastructure.feed import ProcessFeed
from infrastructure.heart import LoopHeart
from infrastructure.ids import new_id
from infrastructure.schemas import JsonSchemas
from infrastructure.store.memory import open_memory
from infrastructure.store.memory.journal import MemoryJournal
from infrastructure.store.memory.shelves import MemoryUsage
from infrastructure.store.store import Store
from infrastructure.templates import JinjaTemplates
from tests.documents import Document, OneModel, OneTool, OurKinds
from tests.toolbox import SameForAll
from tests.virtual_time import VirtualClock

Act = Callable[[NodeContext], Awaitable[Outcome]]


@dataclass
class Gate:
    """A node that says when it began, and goes on when it is opened. `closing`: seconds it takes to be cancelled."""

    began: asyncio.Event = field(default_factory=asyncio.Event)
    opened: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    output: Json = None
    closing: float = 0.0
    usage: Usage | None = None
    """Of a call that was cut off."""

    async def __call__(self, context: NodeContext) -> Outcome:
        self.began.set()
        try:
            await self.opened.wait()
        except asyncio.CancelledError as error:
            await asyncio.sleep(self.closing)
            error.usage = self.usage  # type: ignore[attr-defined]
            raise
        finally:
            self.ended.set()
        return Finished(self.output)


@dataclass
class Failing:
    """Fails as often as there are errors, then finishes with the number of the attempt. Remembers when it was tried."""

    errors: list[BaseException]
    at: list[float] = field(default_factory=list)
    usage: Usage | None = None

    async def __call__(self, context: NodeContext) -> Outcome:
        self.at.append(asyncio.get_running_loop().time())
        if len(self.at) <= len(self.errors):
            error = self.errors[len(self.at) - 1]
            error.usage = self.usage  # type: ignore[attr-defined]
            raise error
        return Finished(context.attempt, self.usage)


@dataclass(frozen=True)
class ActKind:
    """What the stage was told the node does. `effect` touches the world; `at_once` only computes; `call` uses at most a hundred tokens,
    ten with another model."""

    name: str
    acts: Mapping[str, Act]
    schema: JsonObject = field(default_factory=dict)
    default_join: Join | None = None

    def inspect(self, node: Node, workshop: Workshop) -> Inspection:
        return Inspection()

    def build(self, node: Node, workshop: Workshop) -> Executor:
        async def act(context: NodeContext) -> Outcome:
            return await self.acts[node.id](context)

        def at_once(context: NodeContext) -> Outcome:
            try:
                self.acts[node.id](context).__await__().__next__()
            except StopIteration as done:
                outcome: Outcome = done.value
                return outcome
            raise AssertionError(f"{node.id} wants to wait")

        if self.name == "at_once":
            return Executor(at_once, waits=False)
        return Executor(act, effects=self.name == "effect", reserve=_a_hundred if self.name == "call" else None)


def _a_hundred(context: NodeContext) -> Usage:
    state = context.scope["state"]
    if isinstance(state, Mapping) and state.get("unspeakable"):
        raise NodeExecutionError("nobody can say that", "unspeakable")
    return Usage(context.instead, 6, 4, estimated=True) if context.instead else Usage("m", 60, 40, estimated=True)


@dataclass(frozen=True)
class StageKinds(OurKinds):
    acts: Mapping[str, Act]

    def get(self, name: str) -> NodeKind:
        return ActKind(name, self.acts) if name in ("act", "effect", "at_once", "call") else super().get(name)


@dataclass
class Recorder:
    """A journal that remembers its units; `before` and `after` may hold an append up or fail it, `before_load` what a claim
    reads first, `before_end` the question where it ends."""

    journal: MemoryJournal
    units: list[Append] = field(default_factory=list)
    before: Callable[[Append], Awaitable[None]] | None = None
    after: Callable[[Append], Awaitable[None]] | None = None
    before_load: Callable[[], Awaitable[None]] | None = None
    before_end: Callable[[], Awaitable[None]] | None = None

    async def append(self, append: Append) -> Sequence[Recorded]:
        if self.before is not None:
            await self.before(append)
        rows = await self.journal.append(append)
        self.units.append(append)
        if self.after is not None:
            await self.after(append)
        return rows

    async def read(
        self, tenant: TenantId, thread: ThreadId, after: Position, limit: int = 1000, run: RunId | None = None
    ) -> Sequence[Recorded]:
        return await self.journal.read(tenant, thread, after, limit, run)

    async def newest_checkpoint(self, tenant: TenantId, thread: ThreadId, upto: Position | None = None) -> Checkpoint | None:
        if self.before_load is not None:
            await self.before_load()
        return await self.journal.newest_checkpoint(tenant, thread, upto)

    async def end(self, tenant: TenantId, thread: ThreadId) -> Position:
        if self.before_end is not None:
            await self.before_end()
        return await self.journal.end(tenant, thread)

    def decode(self, row: Recorded) -> Event:
        return self.journal.decode(row)


@dataclass
class Counter:
    """A meter that keeps what it was told."""

    ended: list[Run] = field(default_factory=list)
    uses: list[Usage] = field(default_factory=list)
    takeovers: int = 0
    quiet: list[float] = field(default_factory=list)
    depths: list[QueueDepth] = field(default_factory=list)
    one_ended: asyncio.Event = field(default_factory=asyncio.Event)

    def run_ended(self, run: Run, seconds: float) -> None:
        self.ended.append(run)
        self.one_ended.set()

    def node_ended(self, kind: str, seconds: float, *, failed: bool) -> None:
        pass

    def used(self, tenant: TenantId, workflow: str, usage: Usage) -> None:
        self.uses.append(usage)

    def model_called(self, call: ModelCall) -> None:
        pass

    def budget_gone(self, name: str) -> None:
        pass

    def budget_seen(self, name: str, spent: Decimal, limit: Decimal) -> None:
        pass

    def runs_seen(self, quiet_seconds: Sequence[float]) -> None:
        self.quiet = list(quiet_seconds)

    def committed(self, rows: int, seconds: float) -> None:
        pass

    def queue_seen(self, depth: QueueDepth) -> None:
        self.depths.append(depth)

    def taken_over(self) -> None:
        self.takeovers += 1


@dataclass
class Stage:
    store: Store
    journal: Recorder
    engine: Engine
    clock: VirtualClock
    feed: ProcessFeed
    meter: Counter
    acts: dict[str, Act]
    logs: list[Any]

    def does(self, **acts: Act) -> None:
        self.acts.update(acts)

    def now(self) -> float:
        return self.clock.now().timestamp()

    async def publish(self, document: Document) -> None:
        await self.store.workflows.publish(self._version(document))

    def _version(self, document: Document) -> WorkflowVersion:
        graph, now = parse_graph(document), self.clock.now()
        about = WorkflowMetadata(content_hash(document), graph.name, graph.version, graph.description, now, now, graph.tags)
        return WorkflowVersion(DEFAULT_TENANT, about, document, graph)

    async def order(self, document: Document, given: JsonObject | None = None, thread: ThreadId | None = None, **how: Any) -> RunId:
        """Start a run; nobody works on it yet. `how`: fields of `Run`."""
        version = self._version(document)
        limits: Limits = how.pop("limits", version.graph.limits)
        run = Run(
            id=RunId(str(uuid.uuid4())),
            tenant=DEFAULT_TENANT,
            thread=thread or ThreadId(str(uuid.uuid4())),
            workflow=version.graph.id,
            workflow_hash=version.metadata.id,
            input=given or {},
            created_at=self.clock.now(),
            limits=limits,
            mode=Mode(how.pop("mode", "async")),
            durability=Durability(how.pop("durability", "sync")),
            **how,
        )
        await self.store.runs.start(NewRun(run, thread is None, None, version))
        return run.id

    async def claim(self, lease_seconds: float = 30.0) -> Claim:
        """The one run that is due."""
        (claim,) = await self.store.queue.claim(WorkerId("w"), 1, lease_seconds)
        return claim

    async def open(self) -> Drive:
        return await self.engine.open(await self.claim())

    async def play(self, document: Document, given: JsonObject | None = None, thread: ThreadId | None = None, **how: Any) -> Run:
        """Start a run and drive it until it leaves the worker."""
        run = await self.order(document, given, thread, **how)
        await self.engine.drive(await self.open())
        return await self.run(run)

    async def play_to_the_end(self, document: Document, given: JsonObject | None = None, **how: Any) -> Run:
        """Also past parking: time passes until it is due."""
        run = await self.play(document, given, **how)
        while not run.status.is_final:
            due = await self.store.queue.next_due()
            assert due is not None
            await self.clock.sleep(max(due - self.now(), 0.0))
            await self.engine.drive(await self.open())
            run = await self.run(run.id)
        return run

    async def run(self, run: RunId) -> Run:
        return await self.store.runs.get(DEFAULT_TENANT, run)

    async def rows(self, run: RunId) -> list[Event]:
        thread = (await self.run(run)).thread
        found = await self.journal.read(DEFAULT_TENANT, thread, BEGINNING, 100_000, run)
        return [self.journal.decode(row) for row in found]

    async def story(self, run: RunId) -> list[str]:
        """The kinds of a run's rows, with whose they are."""
        return [told(event) for event in await self.rows(run)]

    async def usage(self, run: RunId) -> list[tuple[str, int, int]]:
        """Ledger: activation, attempt, tokens."""
        rows: Sequence[UsageRow] = await self.store.usage.of_run(DEFAULT_TENANT, run)
        return [(row.activation, row.attempt, row.usage.total_tokens) for row in rows]

    async def lines(self, run: RunId) -> list[tuple[str, int, int, str, int]]:
        """Ledger: activation, attempt, epoch, state, tokens; void lines too."""
        assert isinstance(self.store.usage, MemoryUsage)
        rows = self.store.usage.book.usage.get(run, {}).values()
        return [(row.activation, row.attempt, row.epoch, row.state.value, row.usage.total_tokens) for row in rows]

    async def ask(self, run: RunId, kind: str = "cancel") -> None:
        found = await self.run(run)
        await self.store.inbox.put(DEFAULT_TENANT, found.thread, run, kind, {"by": "me", "reason": "enough"}, kind)

    async def wish(self, run: RunId, kind: str, **body: Json) -> None:
        """As often as one likes, also the same one."""
        found = await self.run(run)
        await self.store.inbox.put(DEFAULT_TENANT, found.thread, run, kind, {"by": "me", **body}, str(uuid.uuid4()))

    async def deliver(self, drive: Drive) -> None:
        """Hand the drive the wishes that wait, as its worker would."""
        drive.wishes.extend(await self.store.inbox.waiting([drive.lease.thread]))
        drive.wake.set()

    async def ended(self, run: RunId, within: float = 100.0) -> Run:
        """The run once it is over; somebody works on it."""
        async with asyncio.timeout(within):
            while not (await self.run(run)).status.is_final:
                self.meter.one_ended.clear()
                await self.meter.one_ended.wait()
        return await self.run(run)

    def worker(self, name: str = "w", queue: RunQueue | None = None, **policy: Any) -> Worker:
        queue = queue or self.store.queue
        heart = LoopHeart(queue.renew, self.clock)
        return Worker(WorkerId(name), self.engine, queue, self.store.inbox, self.meter, self.clock, heart, WorkerPolicy(**policy))


def told(event: Event) -> str:
    where = getattr(event, "activation", None) or getattr(event, "frame", None)
    return event.kind if where is None else f"{event.kind} {where}"


def failing(*errors: WeftError | Exception) -> Failing:
    return Failing(list(errors))


@asynccontextmanager
async def open_stage() -> AsyncIterator[Stage]:
    clock, feed, meter = VirtualClock(), ProcessFeed(), Counter()
    acts: dict[str, Act] = {}
    with capture_logs() as logs:
        async with open_memory(clock=clock) as store:
            assert isinstance(store.journal, MemoryJournal)
            journal = Recorder(store.journal)
            schemas = JsonSchemas()
            workshop = Workshop(CelExpressions(), JinjaTemplates(), schemas, OneModel(), OneTool())
            shelf = ProgramShelf(store.workflows, StageKinds(acts), workshop, SameForAll(workshop.tools))
            prompts = PromptShelf(store.prompts, workshop.templates, schemas)
            loader = Loader(journal, shelf, partial(resolve_versions, store.workflows, store.prompts), clock, prompts)
            tools = EngineTools(
                journal,
                feed,
                meter,
                clock,
                RetryPolicy(lambda: 1.0),
                store.usage,
                store.inbox,
                store.marks,
                store.items,
                TakeAlong(store.threads, store.runs, store.inbox),
                purse=Purse(store.budgets, Holdings(store.accounts, new_id, clock)),
            )
            yield Stage(store, journal, Engine(tools, loader), clock, feed, meter, acts, logs)


def plain(value: object) -> object:
    """As JSON would give it back."""
    return json.loads(json.dumps(value))

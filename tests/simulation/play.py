"""One simulated afternoon: some runs of one workflow, workers that die, stall and restart, and a store that is not always heard."""

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, cast
from uuid import UUID

from application.appending import EngineTools
from application.deciding import RetryPolicy
from application.documents import parse_graph
from application.engine import Engine
from application.loading import Loader
from application.preparing_prompts import PromptShelf
from application.programs import ProgramShelf
from application.taking_along import TakeAlong
from application.versions import resolve_versions
from application.working import Worker, WorkerPolicy
from domain.graph.definition import Graph
from domain.ids import DEFAULT_TENANT, ContentHash, RunId, ThreadId, WorkerId
from domain.json import JsonObject
from domain.ports.nodes import Workshop
from domain.ports.repositories import IdempotencyMark, NewRun, Runs, Threads
from domain.question import HUMAN
from domain.run import events
from domain.run.run import Durability, Run, RunStatus
from domain.workflow import WorkflowMetadata, WorkflowVersion
from infrastructure.expressions import CelExpressions
from infrastructure.feed import ProcessFeed
from infrastructure.heart import LoopHeart
from infrastructure.schemas import JsonSchemas
from infrastructure.store.memory import open_memory
from infrastructure.store.store import Store
from infrastructure.telemetry.unmetered import Unmetered
from infrastructure.templates import JinjaTemplates
from tests.documents import OneModel, OneTool
from tests.oracles.structured import Case, random_case
from tests.simulation.documents import document_of
from tests.simulation.people import People, node_of
from tests.simulation.process import Chaos, Process, ProcessClock, Remote, RemoteHints, bury, insisting, tell_all_but_the_killed
from tests.simulation.world import SimulatedKinds, World
from tests.toolbox import SameForAll
from tests.virtual_time import VirtualClock, VirtualLoop

LEASE_SECONDS = 6.0
SETTLING_SECONDS = 30.0
"""What stalled processes were about to do reaches the world before an operator looks."""
LONGEST = 3_600.0
"""Simulated seconds after the last fault within which everything must be over."""
RATES = (0.003, 0.01, 0.03, 0.06)
"""How often faults strike, by afternoon."""
POLICY = WorkerPolicy(runs=3, lease_seconds=LEASE_SECONDS, poll_seconds=0.5, grace_seconds=2.0, gauge_seconds=30.0)


@dataclass(eq=False)
class Working:
    process: Process
    worker: Worker
    task: "asyncio.Task[None]"


@dataclass(eq=False)
class Afternoon:
    seed: int
    store: Store
    case: Case
    chaos: Chaos
    world: World
    graph: Graph
    people: People
    ordered: list[Run] = field(default_factory=list)
    cancelled: set[RunId] = field(default_factory=set)
    working: list[Working] = field(default_factory=list)
    born: int = 0

    @property
    def rng(self) -> random.Random:
        return self.chaos.rng

    async def pass_by(self) -> None:
        await self._publish()
        for _ in range(2):
            self._hire()
        answering = asyncio.create_task(self.people.answer_all(self.ordered))
        ordering = asyncio.create_task(self._order(self.rng.randint(1, 4)))
        await self._trouble(self.rng.uniform(1.0, 40.0))
        await ordering
        self.chaos.is_on = False
        for one in self.working:
            one.process.going.set()
        self._hire()
        await VirtualClock().sleep(SETTLING_SECONDS)
        async with asyncio.timeout(LONGEST):
            while not await self._is_over():
                await VirtualClock().sleep(1.0)
        answering.cancel()
        for one in self.working:
            one.worker.stop()
        await asyncio.wait([one.task for one in self.working])
        with suppress(asyncio.CancelledError):
            await answering

    async def _publish(self) -> None:
        now = VirtualClock().now()
        about = WorkflowMetadata(ContentHash("h"), self.graph.name, self.graph.version, "", now, now, ())
        await self.store.workflows.publish(WorkflowVersion(DEFAULT_TENANT, about, {}, self.graph))

    def _hire(self) -> None:
        self.born += 1
        process = Process(f"w{self.born}", self.chaos)
        if self.chaos.strikes("worker: its clock is wrong", 5.0):
            process.skew = self.rng.uniform(-1.0, 1.0)
        worker = worker_of(process, self.store, self.world)
        self.working.append(Working(process, worker, asyncio.create_task(worker.run())))

    async def _order(self, count: int) -> None:
        """A client that starts its runs until each start is acknowledged, some on one thread."""
        client = Process("client", self.chaos)
        runs = Remote(self.store.runs, "runs", client)
        for number in range(count):
            share = number > 0 and self.rng.random() < 0.3
            run = self._run(number, self.ordered[-1].thread if share else ThreadId(f"t{number}"))
            mark = IdempotencyMark(f"k{number}", "d", run.created_at)
            self.ordered.append((await insisting(partial(runs.start, NewRun(run, not share, mark)))).run)
            await asyncio.sleep(self.rng.uniform(0.0, 3.0))

    def _run(self, number: int, thread: ThreadId) -> Run:
        durability = self.rng.choice(list(Durability))
        run = Run(RunId(str(UUID(int=number))), DEFAULT_TENANT, thread, self.graph.id, ContentHash("h"), {}, VirtualClock().now())
        return replace(run, limits=self.graph.limits, durability=durability)

    async def _trouble(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while loop.time() < until:
            await asyncio.sleep(self.rng.uniform(0.05, 2.0))
            await self._mishap()

    async def _mishap(self) -> None:
        one = self.rng.choice(self.working)
        if self.chaos.strikes("worker: killed", 4.0):
            self._kill(one)
            self._hire()
        elif self.chaos.strikes("worker: all killed", 0.7):
            for each in list(self.working):
                self._kill(each)
            self._hire()
        elif self.chaos.strikes("worker: stopped in order", 3.0):
            one.worker.stop()
            self._hire()
        elif self.chaos.strikes("worker: told to stop at once", 1.5):
            one.worker.stop()
            one.worker.abort()
            self._hire()
        elif self.chaos.strikes("worker: stalls beyond its lease", 3.0):
            await self._stall(one, LEASE_SECONDS * self.rng.uniform(1.0, 3.0))
        elif self.chaos.strikes("worker: stalls for a moment", 4.0):
            await self._stall(one, self.rng.uniform(0.1, 3.0))
        elif self.chaos.strikes("worker: one more", 2.0):
            self._hire()
        elif self.ordered and self.chaos.strikes("run: cancelled", 1.0):
            await self._cancel(self.rng.choice(self.ordered))

    def _kill(self, one: Working) -> None:
        self.working.remove(one)
        one.process.kill()
        for task in (one.task, *one.worker.tasks):
            task.cancel()

    async def _stall(self, one: Working, seconds: float) -> None:
        one.process.going.clear()
        await asyncio.sleep(seconds)
        one.process.going.set()

    async def _cancel(self, run: Run) -> None:
        self.cancelled.add(run.id)
        inbox = Remote(self.store.inbox, "inbox", Process("client", self.chaos))
        await insisting(lambda: inbox.put(run.tenant, run.thread, run.id, "cancel", {"by": "me"}, "cancel"))

    async def _is_over(self) -> bool:
        runs = [await self.store.runs.get(run.tenant, run.id) for run in self.ordered]
        for run in runs:
            await self._attend_to(run)
        return all(run.status.is_final for run in runs)

    async def _attend_to(self, run: Run) -> None:
        """The operator looks into the world's ledger: a call that is there happened, another one did not."""
        for waiting in run.waiting_for if run.status is RunStatus.PARKED else ():
            if waiting.about is None or waiting.kind == HUMAN:
                continue
            self.chaos.struck["once: outcome unknown"] += 1
            called = any(call.activation == waiting.activation for call in self.world.calls.get(run.id, []))
            output = {"targets": list(self.case.decide(waiting.activation, node_of(waiting.activation)))}
            decision = events.HAPPENED if called else events.DID_NOT_HAPPEN
            intended_at = waiting.about["intended_at"]
            body = {"activation": waiting.activation, "decision": decision, "output": output, "intended_at": intended_at}
            key = f"resolve {waiting.activation} {intended_at}"
            await self.store.inbox.put(run.tenant, run.thread, run.id, "resolve", cast(JsonObject, body), key)


def worker_of(process: Process, store: Store, world: World) -> Worker:
    """The worker of production, with everything that it touches at the other end of a bad line."""
    clock: Any = ProcessClock(process)
    journal: Any = Remote(store.journal, "journal", process)
    queue: Any = RemoteHints(store.queue, "queue", process)
    inbox: Any = RemoteHints(store.inbox, "inbox", process)
    ledger: Any = Remote(store.usage, "usage", process)
    marks: Any = Remote(store.marks, "marks", process)
    items: Any = Remote(store.items, "items", process)
    along = TakeAlong(cast(Threads, Remote(store.threads, "threads", process)), cast(Runs, Remote(store.runs, "runs", process)), inbox)
    workflows: Any = Remote(store.workflows, "workflows", process)
    workshop = Workshop(CelExpressions(), JinjaTemplates(), JsonSchemas(), OneModel(), OneTool())
    shelf = ProgramShelf(workflows, SimulatedKinds(world, process), workshop, SameForAll(workshop.tools))
    meter = Unmetered()
    retries = RetryPolicy(process.chaos.rng.random)
    tools = EngineTools(journal, ProcessFeed(), meter, clock, retries, ledger, inbox, marks, items, along)
    prompts = PromptShelf(store.prompts, workshop.templates, workshop.schemas)
    engine = Engine(tools, Loader(journal, shelf, partial(resolve_versions, workflows, store.prompts), clock, prompts))
    return Worker(WorkerId(process.name), engine, queue, inbox, meter, clock, LoopHeart(queue.renew, clock), POLICY)


def afternoon(seed: int) -> Afternoon:
    """Plays the afternoon of a seed, always the same one, until every run is over. `TimeoutError`: something is stuck."""
    rng = random.Random(seed)
    case = random_case(rng, depth=3, size=rng.randint(3, 14))
    loop = VirtualLoop()
    loop.set_exception_handler(tell_all_but_the_killed)
    try:
        return loop.run_until_complete(_pass_by(seed, case, rng))
    finally:
        bury(loop)


async def _pass_by(seed: int, case: Case, rng: random.Random) -> Afternoon:
    async with open_memory(clock=VirtualClock()) as store:
        graph = parse_graph(document_of(case, asks=seed % 2 == 1))
        chaos = Chaos(rng, rng.choice(RATES))
        people = People(store, case, Process("people", chaos))
        found = Afternoon(seed, store, case, chaos, World(case), graph, people)
        await found.pass_by()
        return found

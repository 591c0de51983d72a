"""The composition root: the only file that sees all four floors, and long because it is the only one. `open_app` opens in order, closes
in reverse.

Building is synchronous and does no I/O. Nothing outside this file knows the container.
"""

from lean import containers, providers, structlog  # before whatever imports these by itself

# isort: split

import asyncio
import gc
import os
import platform
import random
import secrets
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Protocol, cast

from application import (
    access,
    composition,
    controlling,
    desk,
    drawing,
    ended,
    firing,
    flow,
    following,
    health,
    launching,
    models,
    once,
    pacing,
    registering,
    resolving,
    runs,
    schedules,
    templates,
    threads,
    tools,
    webhooks,
    workflows,
)
from application.appending import EngineTools
from application.chores import Chore, Chores
from application.deciding import RetryPolicy
from application.delivering import Deliver, Dispatch, ForgetDeliveries
from application.documents import parse_graph
from application.engine import Engine
from application.loading import Loader
from application.programs import ProgramShelf
from application.retention import Sweep
from application.validation import Validate
from application.versions import resolve_versions
from application.working import Worker, WorkerPolicy
from domain.errors import DatabaseError
from domain.graph.definition import Graph
from domain.ids import WorkerId
from domain.ports.clock import Clock
from domain.ports.heart import Heart
from domain.ports.limits import Rate
from domain.ports.meter import Meter
from domain.ports.nodes import Workshop
from domain.ports.webhooks import WebhookSender
from infrastructure.between import WORKER_SECONDS, Between, LineMeter, open_between
from infrastructure.calendar import CronCalendar
from infrastructure.canonical import content_hash
from infrastructure.clock import SystemClock
from infrastructure.expressions import CelExpressions
from infrastructure.heart import LoopHeart, ThreadHeart
from infrastructure.ids import new_id
from infrastructure.models.breaker import BreakerPolicy, Breakers
from infrastructure.models.registry import ConfiguredModels
from infrastructure.models.settings import Endpoint, ModelSettings
from infrastructure.nodes.registry import InstalledNodeKinds
from infrastructure.schemas import JsonSchemas
from infrastructure.store import migrate
from infrastructure.store.connections import Connections
from infrastructure.store.later import Later
from infrastructure.store.open import open_store
from infrastructure.store.store import Store
from infrastructure.telemetry import logging
from infrastructure.telemetry.unmetered import Unmetered
from infrastructure.templates import JinjaTemplates
from infrastructure.tools.registry import InstalledTools
from infrastructure.watch import LoopWatch
from infrastructure.webhooks.addresses import Addresses
from settings import Settings, ShownSetting, read_settings, shown

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from application.doctoring import ExaminationView

log = structlog.get_logger("bootstrap")


def model_settings(settings: Settings) -> ModelSettings:
    endpoints = {name: _endpoint(row) for name, row in settings.model_endpoints.items()}
    return ModelSettings(settings.aliases, endpoints, settings.scripts, settings.scripted_chunk_seconds, dict(os.environ))


def breakers(settings: Settings, clock: SystemClock) -> Breakers:
    return Breakers(BreakerPolicy(settings.model_breaker_failures, settings.model_breaker_seconds), clock)


def _endpoint(row: Mapping[str, str]) -> Endpoint:
    def price(name: str) -> Decimal | None:
        return Decimal(row[name]) if name in row else None

    return Endpoint(row.get("api_base"), row.get("api_key"), price("prompt_price"), price("completion_price"))


def drawn_by(module: str, function: str) -> drawing.Draw:
    """What draws is loaded when somebody wants a picture."""

    def draw(graph: Graph) -> str:
        found: drawing.Draw = getattr(import_module(module), function)
        return found(graph)

    return draw


class ShownMeter(Meter, LineMeter, Protocol):
    def render(self) -> tuple[bytes, str]:
        """What it counted, and the content type of that."""


def meter_of(settings: Settings) -> ShownMeter:
    """Prometheus, where somebody may scrape."""
    if not settings.metrics:
        return Unmetered()
    from infrastructure.telemetry.metrics import PrometheusMeter

    return PrometheusMeter()


def heart_of(store: Store, clock: Clock) -> Heart:
    """On a thread of its own, where the store can be reached from there."""
    return LoopHeart(store.queue.renew, clock) if store.open_renew is None else ThreadHeart(store.open_renew)


def sender_of(addresses: Addresses, clock: Clock) -> WebhookSender:
    """The HTTP library is loaded with the first delivery."""

    def make() -> WebhookSender:
        from infrastructure.webhooks.sender import HttpSender

        return HttpSender(addresses, clock)

    return cast(WebhookSender, Later(make))


class Shared(containers.DeclarativeContainer):
    """What a process has one of. `store` and `between` are handed in once they are open."""

    settings = providers.Dependency(instance_of=Settings)
    store = providers.Dependency(instance_of=Store)
    between = providers.Dependency(instance_of=Between)

    clock = providers.Singleton(SystemClock)
    name = providers.Singleton(lambda: WorkerId(f"{platform.node()}:{os.getpid()}:{secrets.token_hex(4)}"))
    feed = between.provided.feed
    meter = providers.Singleton(meter_of, settings)
    schemas = providers.Singleton(JsonSchemas)
    addresses = providers.Singleton(Addresses, settings.provided.webhooks_private)
    models = providers.Singleton(
        ConfiguredModels, providers.Factory(model_settings, settings), providers.Factory(breakers, settings, clock)
    )
    tools = providers.Singleton(InstalledTools, schemas, clock)
    kinds = providers.Singleton(InstalledNodeKinds)
    workshop = providers.Singleton(
        Workshop,
        expressions=providers.Singleton(CelExpressions),
        templates=providers.Singleton(JinjaTemplates),
        schemas=schemas,
        models=models,
        tools=tools,
    )
    validate = providers.Singleton(Validate, kinds, workshop)
    resolve = providers.Factory(partial, resolve_versions, store.provided.workflows)

    engine = providers.Singleton(
        Engine,
        providers.Singleton(
            EngineTools,
            store.provided.journal,
            feed,
            meter,
            clock,
            providers.Singleton(RetryPolicy, providers.Object(random.random)),
            store.provided.usage,
            store.provided.inbox,
        ),
        providers.Singleton(
            Loader,
            store.provided.journal,
            providers.Singleton(ProgramShelf, store.provided.workflows, kinds, workshop),
            resolve,
            clock,
        ),
    )
    worker = providers.Singleton(
        Worker,
        name,
        engine,
        store.provided.queue,
        store.provided.inbox,
        meter,
        clock,
        providers.Singleton(heart_of, store, clock),
        providers.Factory(
            WorkerPolicy,
            runs=settings.provided.worker_runs,
            lease_seconds=settings.provided.lease_seconds,
            poll_seconds=settings.provided.poll_seconds,
            grace_seconds=settings.provided.grace_seconds,
        ),
    )


def _terms(shared: "Shared") -> flow.MakeTerms:
    settings = shared.settings()
    policy = flow.FlowPolicy(settings.priority_ageing_seconds, settings.concurrency_limit)
    return flow.MakeTerms(shared.workshop().expressions, policy)


def build_desk(shared: Shared, *, keyless: bool) -> desk.Desk:
    """Every use case with what it needs."""
    store, between, clock, schemas = shared.store(), shared.between(), shared.clock(), shared.schemas()
    validate, feed = shared.validate(), shared.feed()
    check = workflows.CheckDocument(validate, store.workflows)
    keyed = once.Once(store.marks, clock)
    find = runs.FindWorkflow(store.workflows, check, content_hash, clock)
    start = runs.StartRun(store.runs, store.marks, store.journal, find, schemas, _terms(shared), new_id, clock)
    digests = tuple(access.digest_of(key.get_secret_value()) for key in shared.settings().api_keys)
    return desk.Desk(
        publish_workflow=workflows.PublishWorkflow(check, store.workflows, keyed, content_hash, clock),
        validate_workflow=workflows.ValidateWorkflow(check),
        get_workflow=workflows.GetWorkflow(store.workflows),
        list_workflows=workflows.ListWorkflows(store.workflows),
        list_versions=workflows.ListVersions(store.workflows),
        draw_workflow=drawing.DrawWorkflow(
            store.workflows,
            {
                "mermaid": drawn_by("application.pictures", "to_mermaid"),
                "dot": drawn_by("application.pictures", "to_dot"),
                "svg": drawn_by("infrastructure.pictures.svg", "to_svg"),
            },
        ),
        compose_workflows=composition.ComposeWorkflows(store.workflows, validate),
        put_template=templates.PutTemplate(store.templates, keyed, shared.workshop(), clock),
        get_template=templates.GetTemplate(store.templates),
        list_templates=templates.ListTemplates(store.templates),
        instantiate_template=templates.InstantiateTemplate(store.templates, shared.workshop()),
        start_run=start,
        get_run=runs.GetRun(store.runs, ended.Describe(store.journal, between.cache)),
        list_runs=runs.ListRuns(store.runs),
        cancel_run=runs.CancelRun(store.runs, store.journal, store.inbox),
        resolve_run=resolving.ResolveRun(store.runs, store.journal, store.inbox, shared.tools(), schemas, keyed),
        control=controlling.RunControl(store.runs, store.journal, store.inbox, keyed, new_id),
        schedules=schedules.ScheduleDesk(store.schedules, launching.LaunchRun(start, clock), CronCalendar(), keyed, new_id, clock),
        webhooks=webhooks.WebhookDesk(
            store.webhooks, store.deliveries, shared.addresses(), keyed, new_id, partial(secrets.token_bytes, 32), clock
        ),
        follow_run=following.FollowRun(store.runs, store.journal, feed),
        wait_for_run=following.WaitForRun(store.runs, store.journal, feed),
        open_thread=threads.OpenThread(store.threads, keyed, new_id, clock),
        get_thread=threads.GetThread(store.threads),
        list_threads=threads.ListThreads(store.threads),
        list_tools=tools.ListTools(shared.tools()),
        get_tool=tools.GetTool(shared.tools()),
        call_tool=tools.CallTool(shared.tools(), new_id),
        list_models=models.ListModels(shared.models()),
        list_workers=registering.ListWorkers(between.registry),
        create_key=access.CreateKey(store.keys, new_id, partial(secrets.token_bytes, 32), clock),
        list_keys=access.ListKeys(store.keys),
        remove_key=access.RemoveKey(store.keys),
        authenticate=access.Authenticate(store.keys, digests, keyless),
        pace=pacing.Pace(between.limits, Rate(most, 60.0) if (most := shared.settings().requests_per_minute) else None),
        check_readiness=health.CheckReadiness(
            {"database": store.health.check}, spared={} if between.check is None else {"redis": between.check}
        ),
    )


@dataclass(frozen=True, slots=True)
class App:
    """One process's Weft. The worker works only while somebody runs `worker.run()`."""

    settings: Settings
    desk: desk.Desk
    worker: Worker
    shared: Shared

    def rest(self, stopping: asyncio.Event) -> "ASGIApp":
        """The REST interface. Open streams end when `stopping` is set."""
        from interface.rest.app import RestSettings, create_app

        return create_app(self.desk, RestSettings(), self.metrics, stopping)

    def metrics(self) -> tuple[bytes, str]:
        """The text for Prometheus, and its content type; empty where nothing is counted."""
        return self.shared.meter().render()

    async def work(self) -> None:
        """Work until `worker.stop()`. First look at every package of tools, so that what is wrong with one shows now; model libraries
        warm up meanwhile."""
        self.shared.tools().list()
        # What is open now stays. What a run leaves behind is freed by its references; a look for circles every 700 objects costs more
        # than it frees.
        gc.freeze()
        gc.set_threshold(10_000, 10, 10)
        # The thread that commits wants the interpreter's lock a few times per batch: waiting 5 ms for each, it would never work beside us.
        sys.setswitchinterval(0.0001)
        beats = self._beats()
        beside = [asyncio.create_task(self.shared.models().warm()), asyncio.create_task(self._chores(beats).run())]
        try:
            async with LoopWatch(self.settings.stall_seconds).watching():
                await self.worker.run()
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            await beats.leave()

    def _beats(self) -> registering.Beats:
        clock, worker = self.shared.clock(), self.worker
        return registering.Beats(
            self.shared.between().registry,
            clock,
            worker.id,
            platform.node(),
            os.getpid(),
            version("weft"),
            clock.now(),
            lambda: len(worker.leases),
            WORKER_SECONDS / 3,
        )

    def _firing(self) -> firing.FireSchedules:
        store, clock, desk = self.shared.store(), self.shared.clock(), self.desk
        launch = desk.schedules.launch
        return firing.FireSchedules(store.schedules, store.due, store.runs, launch, desk.cancel_run, CronCalendar(), new_id, clock)

    def _webhooks(self) -> tuple[Chore, Chore]:
        store, clock = self.shared.store(), self.shared.clock()
        sender = sender_of(self.shared.addresses(), clock)
        deliver = Deliver(store.webhooks, store.deliveries, sender, clock, random.random)
        return Dispatch(store.owed, deliver, clock), ForgetDeliveries(store.owed, clock)

    def _chores(self, beats: registering.Beats) -> Chores:
        chores: list[Chore] = [beats, self._firing(), *self._webhooks()]
        if self.settings.retention_days:
            chores.append(Sweep(self.shared.store().retention, self.shared.clock(), self.settings.retention_days))
        return Chores(chores, self.shared.clock())


@asynccontextmanager
async def open_app(settings: Settings, *, patient: bool = False) -> AsyncIterator[App]:
    """Bring the database to this version's schema, open it, and put everything together.

    Raises `DatabaseError` when it cannot be opened; with `patient` it waits for a database that does not answer, and says so.
    """
    async with AsyncExitStack() as stack:
        shared = Shared(settings=settings)
        opening = open_between(settings.redis_url, shared.name(), settings.poll_seconds, shared.meter())
        between = await stack.enter_async_context(opening)
        shared.between.override(providers.Object(between))
        store = await _opened(stack, shared, patient)
        shared.store.override(providers.Object(store))
        stack.push_async_callback(shared.models().close)
        keyless = not settings.api_keys and not await store.keys.any()
        yield App(settings, build_desk(shared, keyless=keyless), shared.worker(), shared)


async def _opened(stack: AsyncExitStack, shared: Shared, patient: bool) -> Store:
    database = shared.settings().config.database
    connections = Connections(database.max_connections, database.connection_timeout)
    while True:
        try:
            opening = open_store(
                database.url,
                parse=parse_graph,
                clock=shared.clock(),
                on_committed=shared.meter().committed,
                connections=connections,
                hints=shared.between().hints,
            )
            return await stack.enter_async_context(opening)
        except DatabaseError as error:
            if not patient:
                raise
            log.warning("waiting for the database", reason=error.message)
            await asyncio.sleep(1.0)


class Launcher:
    """What the commands ask of this file; see `interface.cli.launcher`."""

    def settings(self, **flags: object) -> Settings:
        return read_settings(**flags)

    def shown(self, **flags: object) -> list[ShownSetting]:
        return shown(read_settings(**flags))

    @asynccontextmanager
    async def open_app(self, *, patient: bool = False, **flags: object) -> AsyncIterator[App]:
        settings = read_settings(**flags)
        logging.configure(settings.log, settings.log_pretty)
        async with open_app(settings, patient=patient) as app:
            yield app

    async def examine(self, **flags: object) -> "ExaminationView":
        settings, clock = read_settings(**flags), SystemClock()
        logging.configure(settings.log, settings.log_pretty)
        from application.doctoring import Examine
        from infrastructure.checkup.installation import Installation
        from infrastructure.checkup.store import StoreCheckup

        installation = Installation(StoreCheckup(settings.database_url, clock), settings.redis_url)
        return await Examine(installation, clock, settings.lease_seconds)()

    def upgrade(self, **flags: object) -> str:
        url = read_settings(**flags).database_url
        migrate.upgrade(url)
        return migrate.HEAD

    def schema(self, **flags: object) -> tuple[str | None, str]:
        return migrate.current(read_settings(**flags).database_url), migrate.HEAD

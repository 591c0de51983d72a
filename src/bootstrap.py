"""The composition root: the only file that sees all four floors. `open_app` opens in order, closes in reverse.

Building is synchronous and does no I/O. Nothing outside this file knows the container.
"""

from lean import containers, providers, structlog  # before whatever imports these by itself

# isort: split

import asyncio
import os
import platform
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from application.budgets.keeping import KeepPurse
from application.desk import Desk
from application.engine import Engine
from application.loading import Loader
from application.past import Past
from application.preparing_prompts import PromptShelf
from application.programs import ProgramShelf
from application.validation import Validate
from application.versions import resolve_versions
from application.working import Worker
from domain.ids import WorkerId
from domain.ports.nodes import Workshop
from infrastructure.between import Between, open_between
from infrastructure.clock import SystemClock
from infrastructure.expressions import CelExpressions
from infrastructure.history.models import RecordedModels
from infrastructure.history.tools import RecordedCatalog, ToolHistory
from infrastructure.history.writing import GroupedHistory
from infrastructure.ids import new_id
from infrastructure.nodes.registry import InstalledNodeKinds
from infrastructure.schemas import JsonSchemas
from infrastructure.secrets.redactor import Redactor
from infrastructure.store import migrate
from infrastructure.store.store import Store
from infrastructure.telemetry import logging
from infrastructure.templates import JinjaTemplates
from infrastructure.trail import GroupedTrail
from infrastructure.watch import LoopWatch
from settings import Settings, read_settings
from wiring.access import policy_of
from wiring.adapters import (
    addresses_of_webhooks,
    catalog_of,
    close_models,
    engine_tools_of,
    guard_of,
    heart_of,
    installed_of,
    models_of,
    purse_of,
)
from wiring.asking import asked_of
from wiring.beside import beats_of, chores_of, tune_for_work, work_of
from wiring.desk import build_desk
from wiring.examining import examination_of
from wiring.mcp import close_servers, servers_of, sources_of
from wiring.opening import opened_store
from wiring.parts import Parts
from wiring.reaching import makers_of, reach_of
from wiring.secrets import redactor_of, secrets_of
from wiring.showing import ShownSetting, shown
from wiring.strangers import unknown_variables
from wiring.taping import Tape, clock_of, leaping_loop, settings_of, taped_catalog
from wiring.watching import close_traces, meter_of, traces_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from application.doctoring import ExaminationView

log = structlog.get_logger("bootstrap")


class Shared(containers.DeclarativeContainer):
    """What a process has one of. `store` and `between` are handed in once they are open, `redactor` with what is logged already."""

    settings = providers.Dependency(instance_of=Settings)
    store = providers.Dependency(instance_of=Store)
    between = providers.Dependency(instance_of=Between)
    redactor = providers.Dependency(instance_of=Redactor)

    tape: providers.Object[Tape | None] = providers.Object(None)
    clock = providers.Singleton(clock_of, tape)
    name = providers.Singleton(lambda: WorkerId(f"{platform.node()}:{os.getpid()}:{secrets.token_hex(4)}"))
    feed = between.provided.feed
    meter = providers.Singleton(meter_of, settings)
    traces = providers.Singleton(traces_of, settings)
    schemas = providers.Singleton(JsonSchemas)
    addresses = providers.Singleton(addresses_of_webhooks, settings)
    secrets = providers.Singleton(secrets_of, settings, redactor)
    models = providers.Singleton(models_of, settings, clock, secrets, redactor, store, meter, traces)
    reach = providers.Singleton(reach_of, settings)
    makers = providers.Singleton(makers_of, reach, clock, secrets)
    tools = providers.Singleton(installed_of, settings, reach, schemas, clock, store)
    trail = providers.Singleton(GroupedTrail, store.provided.audit, clock, redactor.provided.nameless)
    servers = providers.Singleton(servers_of, reach, secrets, settings, store, redactor, schemas, clock)
    policy = providers.Singleton(policy_of, settings)
    guard = providers.Singleton(guard_of, policy, trail, redactor, clock, traces)
    sources = providers.Singleton(sources_of, settings, servers)
    history = providers.Singleton(GroupedHistory, store.provided.history, redactor.provided.in_history)
    listed = providers.Singleton(catalog_of, tools, makers, schemas, store, guard, sources)
    tool_history = providers.Singleton(ToolHistory, history, providers.Object(new_id), clock, settings.provided.history_capture)
    recorded_tools = providers.Singleton(RecordedCatalog, listed, tool_history)
    catalog = providers.Singleton(taped_catalog, recorded_tools, tape, redactor)
    kinds = providers.Singleton(InstalledNodeKinds)
    recorded = providers.Singleton(RecordedModels, models, history, providers.Object(new_id), clock, settings.provided.history_capture)
    workshop = providers.Singleton(
        Workshop,
        expressions=providers.Singleton(CelExpressions),
        templates=providers.Singleton(JinjaTemplates),
        schemas=schemas,
        models=providers.Singleton(asked_of, recorded, between.provided.cache, reach.provided.door, tape, redactor),
        tools=catalog.provided.installed,
    )
    validate = providers.Singleton(Validate, kinds, workshop)
    resolve = providers.Factory(partial, resolve_versions, store.provided.workflows, store.provided.prompts)
    prompts = providers.Singleton(PromptShelf, store.provided.prompts, workshop.provided.templates, schemas)

    shelf = providers.Singleton(ProgramShelf, store.provided.workflows, kinds, workshop, catalog)
    past = providers.Singleton(Past, store.provided.journal, store.provided.threads, shelf)

    purse = providers.Singleton(purse_of, settings, store, clock)
    engine = providers.Singleton(
        Engine,
        providers.Singleton(engine_tools_of, store, feed, meter, clock, settings.provided.history_capture, traces, purse),
        providers.Singleton(Loader, store.provided.journal, shelf, resolve, clock, prompts),
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
        providers.Singleton(work_of, settings),
    )
    parts = providers.Factory(
        Parts,
        settings,
        store,
        between,
        clock,
        schemas,
        workshop,
        validate,
        past,
        addresses,
        recorded,
        purse,
        meter,
        catalog,
        policy,
        trail,
        servers,
        prompts,
    )


@dataclass(frozen=True, slots=True)
class App:
    """One process's Weft. The worker works only while somebody runs `worker.run()`."""

    settings: Settings
    desk: Desk
    worker: Worker
    shared: Shared
    parts: Parts

    def rest(self, stopping: asyncio.Event) -> "ASGIApp":
        """The REST interface. Open streams end when `stopping` is set."""
        from interface.rest.app import RestSettings, create_app

        return create_app(self.desk, RestSettings(mcp_seconds=self.settings.mcp_seconds), self.metrics, stopping, self.shared.traces())

    def metrics(self) -> tuple[bytes, str]:
        """The text for Prometheus, and its content type; empty where nothing is counted."""
        return self.shared.meter().render()

    async def work(self) -> None:
        """Work until `worker.stop()`. First look at every package of tools, so that what is wrong with one shows now; model libraries
        warm up meanwhile."""
        # Beside the event loop, which may have requests to answer by now.
        await asyncio.to_thread(lambda: self.shared.tools().list())
        tune_for_work()
        beats = beats_of(self.parts, self.worker)
        works = (self.shared.models().warm(), chores_of(self.parts, self.desk, beats).run())
        beside = [asyncio.create_task(work) for work in works]
        try:
            async with LoopWatch(self.settings.stall_seconds).watching():
                await self.worker.run()
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            await beats.leave()


@asynccontextmanager
async def open_app(
    settings: Settings, *, patient: bool = False, redactor: Redactor | None = None, tape: Tape | None = None
) -> AsyncIterator[App]:
    """Bring the database to this version's schema, open it, and put everything together. `redactor`: the one that looks at the log; `tape`:
    what is asked comes onto it, or is answered from it.

    Raises `DatabaseError` when it cannot be opened; with `patient` it waits for a database that does not answer, and says so.
    """
    async with AsyncExitStack() as stack:
        shared = Shared(settings=settings, redactor=redactor or redactor_of(settings), tape=providers.Object(tape))
        stack.push_async_callback(close_traces, shared.traces())
        shared.secrets()  # what is wrong with one stops the start
        opening = open_between(settings.redis_url, shared.name(), settings.poll_seconds, shared.meter())
        between = await stack.enter_async_context(opening)
        shared.between.override(providers.Object(between))
        store_opening = opened_store(settings, shared.clock(), shared.meter(), between, log.warning if patient else None)
        store = await stack.enter_async_context(store_opening)
        shared.store.override(providers.Object(store))
        stack.push_async_callback(shared.trail().close)
        stack.push_async_callback(shared.history().close)
        stack.push_async_callback(close_models, shared.models())
        stack.push_async_callback(close_servers, shared.servers())
        await stack.enter_async_context(_kept(KeepPurse(shared.purse())))
        keyless = not settings.api_keys and settings.jwt_keys is None and not await store.keys.any()
        parts = shared.parts(keyless=keyless)
        desk = build_desk(parts)
        stack.callback(desk.note_request.count)
        yield App(settings, desk, shared.worker(), shared, parts)


@asynccontextmanager
async def _kept(keeping: KeepPurse) -> AsyncIterator[None]:
    """Also without a worker: drafts take from budgets too."""
    task = asyncio.create_task(keeping.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await keeping.leave()


class Launcher:
    """What the commands ask of this file; see `interface.cli.launcher`."""

    leaping_loop = staticmethod(leaping_loop)

    def settings(self, **flags: object) -> Settings:
        return read_settings(**flags)

    def shown(self, **flags: object) -> list[ShownSetting]:
        return shown(read_settings(**flags))

    def unknown(self) -> Sequence[str]:
        return unknown_variables(os.environ)

    def open_app(self, *, patient: bool = False, **flags: object) -> AbstractAsyncContextManager[App]:
        return self._opened(None, patient, flags)

    def open_taped(self, tape: Tape, /, **flags: object) -> AbstractAsyncContextManager[App]:
        return self._opened(tape, False, flags)

    @asynccontextmanager
    async def _opened(self, tape: Tape | None, patient: bool, flags: dict[str, object]) -> AsyncIterator[App]:
        settings = settings_of(read_settings(**flags), tape)
        redactor = redactor_of(settings)
        logging.configure(settings.log, settings.log_pretty, redactor.in_log)
        for sentence in self.unknown():
            log.warning("a variable is ignored", reason=f"{sentence}; `weft config show` lists the settings")
        async with open_app(settings, patient=patient, redactor=redactor, tape=tape) as app:
            yield app

    async def examine(self, **flags: object) -> "ExaminationView":
        settings = read_settings(**flags)
        logging.configure(settings.log, settings.log_pretty, redactor_of(settings).in_log)
        return await examination_of(settings, SystemClock(), self.unknown())

    def schemas(self) -> JsonSchemas:
        return JsonSchemas()

    def upgrade(self, **flags: object) -> str:
        url = read_settings(**flags).database_url
        migrate.upgrade(url)
        return migrate.HEAD

    def schema(self, **flags: object) -> tuple[str | None, str]:
        return migrate.current(read_settings(**flags).database_url), migrate.HEAD

"""What a process gets of the outside: adapters whose libraries are loaded when they are first asked."""

import os
import random
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, cast

from application import drawing
from application.appending import EngineTools
from application.budgets.holdings import Holdings
from application.budgets.purse import Purse
from application.deciding import RetryPolicy
from application.taking_along import TakeAlong
from domain.graph.definition import Graph
from domain.graph.notes import NO_NOTES, Notes
from domain.history import Capture
from domain.policy import Policy
from domain.ports.audit import AuditTrail
from domain.ports.clock import Clock
from domain.ports.feed import Feed
from domain.ports.heart import Heart
from domain.ports.meter import Meter, ModelMeter
from domain.ports.secrets import Secrets
from domain.ports.traces import Traces
from domain.tool import ToolType
from infrastructure.clock import SystemClock
from infrastructure.heart import LoopHeart, ThreadHeart
from infrastructure.ids import new_id
from infrastructure.memory.limits import MemoryLimits
from infrastructure.outgoing.addresses import Addresses, Allowed
from infrastructure.schemas import JsonSchemas
from infrastructure.secrets.redactor import Redactor
from infrastructure.store.later import Later, LaterModule
from infrastructure.store.store import Store
from infrastructure.telemetry.observed_tools import TracedGuard
from infrastructure.tools.catalog import Catalog, ToolSource
from infrastructure.tools.guarded import Guard
from infrastructure.tools.limiting import CallLimits
from settings import Settings
from wiring.reaching import Reach

if TYPE_CHECKING:
    from domain.ports.webhooks import WebhookSender
    from infrastructure.models.settings import ModelSettings
    from infrastructure.tools.described import Described, Maker
    from infrastructure.tools.registry import InstalledTools


def models_of(
    settings: Settings, clock: SystemClock, secrets: Secrets, redactor: Redactor, store: Store, meter: ModelMeter, traces: Traces
) -> Later:
    """`ConfiguredModels`, loaded with the first question; at once where there is a file of scripts or a key that is a secret: what is wrong
    with those stops the start."""

    def make() -> object:
        from infrastructure.breaker import BreakerPolicy
        from infrastructure.models.breaker import provider_breakers
        from infrastructure.models.discretion import Discretion
        from infrastructure.models.registry import ConfiguredModels
        from infrastructure.telemetry.observed_models import Observer

        chosen = chosen_models(settings)
        policy = BreakerPolicy(settings.model_breaker_failures, settings.model_breaker_seconds)
        discretion = Discretion(secrets, redactor.nameless)
        discretion.check(chosen.endpoints)
        return ConfiguredModels(chosen, provider_breakers(policy, clock), discretion, store.lanes, clock, Observer(meter, traces, clock))

    models = Later(make)
    if settings.scripts is not None or any("${" in row.get("api_key", "") for row in settings.model_endpoints.values()):
        models.rest()
    return models


def chosen_models(settings: Settings) -> "ModelSettings":
    """`ValidationError` when what is set of models is wrong."""
    from infrastructure.models.settings import ModelSettings
    from infrastructure.models.written import alias_of, endpoint_of, prices_of

    endpoints = {name: endpoint_of(row) for name, row in settings.model_endpoints.items()}
    aliases = {name: alias_of(row) for name, row in settings.aliases.items()}
    prices = {name: prices_of(row) for name, row in settings.prices.items()}
    return ModelSettings(aliases, endpoints, settings.scripts, settings.scripted_chunk_seconds, dict(os.environ), prices)


async def close_models(models: Later) -> None:
    if models.is_there:
        await models.close()


def addresses_of_webhooks(settings: Settings) -> Addresses:
    return Addresses(Allowed(settings.webhooks_private, setting="WEFT_WEBHOOKS_PRIVATE"))


def installed_of(settings: Settings, reach: Reach, schemas: JsonSchemas, clock: SystemClock, store: Store) -> Later:
    """`InstalledTools`, loaded with the first question; at once where modules are named, so that one that is broken stops the start."""

    def make() -> object:
        from infrastructure.tools.builtin import reaching_tools
        from infrastructure.tools.builtin.files import file_tools
        from infrastructure.tools.builtin.memory import memory_tools
        from infrastructure.tools.builtin.notify import notify
        from infrastructure.tools.modules import tools_of_modules
        from infrastructure.tools.registry import InstalledTools

        ours = [*memory_tools(store.items, clock), notify(store.webhooks, store.deliveries, clock), *file_tools(settings.workspaces)]
        others = [*reaching_tools(reach.door, clock), *tools_of_modules(settings.tools)]
        return InstalledTools(schemas, clock, [*ours, *others])

    installed = Later(make)
    if settings.tools:
        installed.rest()
    return installed


def guard_of(policy: Policy, trail: AuditTrail, redactor: Redactor, clock: SystemClock, traces: Traces) -> Guard:
    return TracedGuard(policy, trail, CallLimits(MemoryLimits()), redactor.for_tenant, clock, traces)


def catalog_of(
    installed: Later, makers: Mapping[ToolType, "Maker"], schemas: JsonSchemas, store: Store, guard: Guard, sources: Sequence[ToolSource]
) -> Catalog:
    """Behind the gate; what reads documents is loaded with the first one."""
    described = LaterModule("infrastructure.tools.described").Described(schemas, makers)
    return Catalog(cast("InstalledTools", installed), cast("Described", described), store.registered, guard, sources)


def purse_of(settings: Settings, store: Store, clock: Clock) -> Purse:
    """A block of a budget is held as long as a run is, without a sign of the worker."""
    return Purse(store.budgets, Holdings(store.accounts, new_id, clock, settings.lease_seconds))


def engine_tools_of(store: Store, feed: Feed, meter: Meter, clock: Clock, capture: Capture, traces: Traces, purse: Purse) -> EngineTools:
    """What every run of this process is driven with."""
    along = TakeAlong(store.threads, store.runs, store.inbox)
    retries = RetryPolicy(random.random)
    kept = (store.usage, store.inbox, store.marks, store.items)
    return EngineTools(store.journal, feed, meter, clock, retries, *kept, along, capture, traces, purse)


def drawn_by(module: str, function: str) -> drawing.Draw:
    """What draws is loaded when somebody wants a picture."""

    def draw(graph: Graph, notes: Notes = NO_NOTES, /) -> str:
        found: drawing.Draw = getattr(import_module(module), function)
        return found(graph, notes)

    return draw


def heart_of(store: Store, clock: Clock) -> Heart:
    """On a thread of its own, where the store can be reached from there."""
    return LoopHeart(store.queue.renew, clock) if store.open_renew is None else ThreadHeart(store.open_renew)


def sender_of(addresses: Addresses, clock: Clock) -> "WebhookSender":
    """The HTTP library is loaded with the first delivery."""

    def make() -> object:
        from infrastructure.webhooks.sender import HttpSender

        return HttpSender(addresses, clock)

    return cast("WebhookSender", Later(make))

"""The whole REST interface over a store in memory, put together by hand."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx
from fastapi import FastAPI

from application.access import Authenticate, CreateKey, KeyOrder, ListKeys, RemoveKey, Role, local_admin
from application.composition import ComposeWorkflows
from application.controlling import RunControl
from application.desk import Desk
from application.drawing import DrawWorkflow
from application.ended import Describe
from application.flow import MakeTerms
from application.following import FollowRun, WaitForRun
from application.health import CheckReadiness
from application.launching import LaunchRun
from application.models import ListModels
from application.once import Once
from application.pacing import Pace
from application.registering import ListWorkers
from application.resolving import ResolveRun
from application.runs import CancelRun, FindWorkflow, GetRun, ListRuns, StartRun
from application.schedules import ScheduleDesk
from application.templates import GetTemplate, InstantiateTemplate, ListTemplates, PutTemplate
from application.threads import GetThread, ListThreads, OpenThread
from application.tools import CallTool, GetTool, ListTools
from application.validation import Validate
from application.webhooks import WebhookDesk
from application.workflows import CheckDocument, GetWorkflow, ListVersions, ListWorkflows, PublishWorkflow, ValidateWorkflow
from domain.ports.nodes import NodeKind, Workshop
from infrastructure.calendar import CronCalendar
from infrastructure.canonical import content_hash
from infrastructure.clock import SystemClock
from infrastructure.expressions import CelExpressions
from infrastructure.feed import ProcessFeed
from infrastructure.ids import new_id
from infrastructure.memory.cache import MemoryCache
from infrastructure.memory.limits import MemoryLimits
from infrastructure.memory.registry import MemoryRegistry
from infrastructure.nodes import map as map_kind
from infrastructure.nodes import terminate, transform, wait
from infrastructure.nodes import workflow as workflow_kind
from infrastructure.nodes.registry import InstalledNodeKinds
from infrastructure.schemas import JsonSchemas
from infrastructure.store.memory.open import open_memory
from infrastructure.store.store import Store
from infrastructure.templates import JinjaTemplates
from infrastructure.webhooks.addresses import Addresses
from interface.rest.app import RestSettings, create_app
from tests.fakes import OneModel, TwoTools
from tests.integration.rest.worker import HandWorker, take

CONFIGURED = "a-key-from-the-settings"


@dataclass(frozen=True)
class Service:
    """`call` asks as the admin of `default` unless told otherwise; without a server, straight into the app."""

    app: FastAPI
    desk: Desk
    store: Store
    feed: ProcessFeed
    stopping: asyncio.Event

    async def call(self, method: str, path: str, key: str | None = CONFIGURED, **how: Any) -> httpx.Response:
        headers = {**({"Authorization": f"Bearer {key}"} if key else {}), **how.pop("headers", {})}
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=how.pop("base_url", "http://localhost")) as client:
            return await client.request(method, path, headers=headers, **how)

    async def key_of(self, tenant: str, role: Role = Role.ADMIN) -> str:
        made = await self.desk.create_key(local_admin(tenant), KeyOrder(role=role))
        assert made.key is not None
        return made.key

    async def publish(self, document: Mapping[str, Any], key: str = CONFIGURED) -> httpx.Response:
        return await self.call("POST", "/v1/workflows", key, json=document)

    async def start(self, order: Mapping[str, Any], key: str = CONFIGURED, **how: Any) -> httpx.Response:
        return await self.call("POST", "/v1/runs", key, json=order, **how)

    async def worker(self) -> HandWorker:
        return await take(self.store, self.feed)


@asynccontextmanager
async def open_service(*, keyless: bool = False, settings: RestSettings | None = None) -> AsyncIterator[Service]:
    clock = SystemClock()
    feed = ProcessFeed(poll_seconds=0.01)
    stopping = asyncio.Event()
    async with open_memory(clock=clock) as store:
        desk = desk_over(store, feed, keyless)
        app = create_app(desk, settings or RestSettings(), lambda: (b"weft_runs_total 0\n", "text/plain; version=0.0.4"), stopping)
        yield Service(app, desk, store, feed, stopping)


def desk_over(store: Store, feed: ProcessFeed, keyless: bool) -> Desk:
    from application.access import digest_of

    clock, tools, models, schemas = SystemClock(), TwoTools(), OneModel(), JsonSchemas()
    workshop = Workshop(CelExpressions(), JinjaTemplates(), schemas, models, tools)
    ours: Sequence[NodeKind] = (transform.kind, terminate.kind, wait.kind, map_kind.kind, workflow_kind.kind)
    validate = Validate(InstalledNodeKinds({kind.name: kind for kind in ours}), workshop)
    check = CheckDocument(validate, store.workflows)
    once = Once(store.marks, clock)
    find = FindWorkflow(store.workflows, check, content_hash, clock)
    start = StartRun(store.runs, store.marks, store.journal, find, schemas, MakeTerms(CelExpressions()), new_id, clock)
    return Desk(
        publish_workflow=PublishWorkflow(check, store.workflows, once, content_hash, clock),
        validate_workflow=ValidateWorkflow(check),
        get_workflow=GetWorkflow(store.workflows),
        list_workflows=ListWorkflows(store.workflows),
        list_versions=ListVersions(store.workflows),
        draw_workflow=DrawWorkflow(store.workflows, {"mermaid": lambda graph: f"flowchart {graph.id}", "dot": lambda graph: "digraph {}"}),
        compose_workflows=ComposeWorkflows(store.workflows, validate),
        put_template=PutTemplate(store.templates, once, workshop, clock),
        get_template=GetTemplate(store.templates),
        list_templates=ListTemplates(store.templates),
        instantiate_template=InstantiateTemplate(store.templates, workshop),
        start_run=start,
        get_run=GetRun(store.runs, Describe(store.journal, MemoryCache(60.0))),
        list_runs=ListRuns(store.runs),
        cancel_run=CancelRun(store.runs, store.journal, store.inbox),
        control=RunControl(store.runs, store.journal, store.inbox, once, new_id),
        resolve_run=ResolveRun(store.runs, store.journal, store.inbox, tools, schemas, once),
        schedules=ScheduleDesk(store.schedules, LaunchRun(start, clock), CronCalendar(), once, new_id, clock),
        webhooks=WebhookDesk(store.webhooks, store.deliveries, Addresses(), once, new_id, lambda: new_id().encode()[-32:], clock),
        follow_run=FollowRun(store.runs, store.journal, feed),
        wait_for_run=WaitForRun(store.runs, store.journal, feed),
        open_thread=OpenThread(store.threads, once, new_id, clock),
        get_thread=GetThread(store.threads),
        list_threads=ListThreads(store.threads),
        list_tools=ListTools(tools),
        get_tool=GetTool(tools),
        call_tool=CallTool(tools, new_id),
        list_models=ListModels(models),
        list_workers=ListWorkers(MemoryRegistry(60.0)),
        create_key=CreateKey(store.keys, new_id, lambda: b"\x07" * 16 + new_id().encode()[-16:], clock),
        list_keys=ListKeys(store.keys),
        remove_key=RemoveKey(store.keys),
        pace=Pace(MemoryLimits()),
        authenticate=Authenticate(store.keys, () if keyless else (digest_of(CONFIGURED),), keyless),
        check_readiness=CheckReadiness({"store": store.health.check}),
    )


def adder(version: str = "1.0.0", **more: Any) -> dict[str, Any]:
    """A graph that adds one to `x`."""
    return {
        "weft": 1,
        "name": "adder",
        "version": version,
        "state": {"x": {"type": "integer"}},
        "input": {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]},
        "nodes": {"add": {"kind": "transform", "writes": {"x": "${state.x + 1}"}}},
        "edges": [{"from": "start", "to": "add"}],
        **more,
    }


def broken(service: Service, **fields: Any) -> Service:
    """The same service with some use cases exchanged."""
    desk = replace(service.desk, **fields)
    service.app.state.desk = desk
    return replace(service, desk=desk)

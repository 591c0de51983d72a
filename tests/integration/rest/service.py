"""The whole REST interface over a store in memory, put together by hand."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import httpx
from fastapi import FastAPI

from application.access import Authenticate, CreateKey, KeyOrder, ListKeys, RemoveKey, Role, local_admin
from application.answering import AnswerRun
from application.audit import AuditDesk
from application.branching import BranchThread, CutBranch
from application.budgets.desk import BudgetDesk
from application.budgets.holdings import Holdings
from application.budgets.purse import Purse
from application.budgets.waking import WakeParked
from application.channels import FindChannels
from application.children import JoinChildren
from application.composition import ComposeWorkflows
from application.controlling import RunControl
from application.desk import Desk
from application.draft_calls import DraftCalls
from application.drafting import DraftWorkflow
from application.drawing import DrawWorkflow
from application.editing import EditThread, RestoreThread
from application.ended import Describe
from application.explaining import PolicyDesk
from application.flow import MakeTerms
from application.following import FollowRun, WaitForRun
from application.following_threads import FollowThread, ReadRows
from application.health import CheckReadiness
from application.history import HistoryDesk
from application.interactions import ListInteractions, ProcessInteraction
from application.items import ItemDesk
from application.keyed_calls import CallOnce
from application.launching import LaunchRun
from application.looking_back import LookBack
from application.making_way import MakeWay
from application.migrating import MigrateRuns
from application.models import ListModels
from application.noting import NoteRequests
from application.once import Once
from application.outside import WriteFromOutside
from application.pacing import Pace
from application.past import Past
from application.path_costs import CostPaths
from application.placing import FindPlace
from application.preparing_prompts import PromptShelf
from application.programs import ProgramShelf
from application.prompts import PromptDesk
from application.registering import ListWorkers
from application.resolving import ResolveRun
from application.running_again import RunAgain
from application.runs import CancelRun, FindWorkflow, GetRun, ListRuns, StartRun
from application.schedules import ScheduleDesk
from application.sessions import SessionDesk
from application.snapshot_branches import BranchSnapshot
from application.snapshots import SnapshotDesk
from application.templates import GetTemplate, InstantiateTemplate, ListTemplates, PutTemplate
from application.threads import GetThread, ListThreads, OpenThread, ShowTree
from application.tool_servers import ToolServerDesk
from application.tools import ToolDesk
from application.usage import UsageDesk
from application.validation import Validate
from application.versions import resolve_versions
from application.webhooks import WebhookDesk
from application.workflows import CheckDocument, GetWorkflow, ListVersions, ListWorkflows, PublishWorkflow, ValidateWorkflow
from domain.policy import Policy
from domain.ports.clock import Clock
from domain.ports.models import Models
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
from infrastructure.nodes import human, terminate, tool, transform, wait
from infrastructure.nodes import map as map_kind
from infrastructure.nodes import workflow as workflow_kind
from infrastructure.nodes.registry import InstalledNodeKinds
from infrastructure.outgoing.addresses import Addresses
from infrastructure.schemas import JsonSchemas
from infrastructure.store.memory.open import open_memory
from infrastructure.store.store import Store
from infrastructure.telemetry.unmetered import Unmetered
from infrastructure.templates import JinjaTemplates
from infrastructure.trail import GroupedTrail
from interface.rest.app import RestSettings, create_app
from tests.fakes import OneModel, TwoTools
from tests.integration.rest.worker import HandWorker, take
from tests.toolbox import NoServers, SameForAll

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
    trail = GroupedTrail(store.audit, clock)
    workshop = Workshop(CelExpressions(), JinjaTemplates(), schemas, models, tools)
    catalog = SameForAll(tools)
    ours: Sequence[NodeKind] = (transform.kind, terminate.kind, wait.kind, human.kind, tool.kind, map_kind.kind, workflow_kind.kind)
    kinds = InstalledNodeKinds({kind.name: kind for kind in ours})
    validate = Validate(kinds, workshop)
    prompts = PromptShelf(store.prompts, workshop.templates, schemas)
    check = CheckDocument(validate, store.workflows, catalog, prompts)
    once = Once(store.marks, clock)
    find = FindWorkflow(store.workflows, check, content_hash, clock)
    place = FindPlace(store.threads, store.sessions, store.inbox)
    way = MakeWay(store.runs, store.inbox)
    start = StartRun(store.runs, store.marks, store.journal, find, schemas, MakeTerms(CelExpressions()), place, way, new_id, clock)
    past = Past(store.journal, store.threads, ProgramShelf(store.workflows, kinds, workshop, catalog))
    write = WriteFromOutside(store.holds, past, store.journal, feed, once, new_id, clock)
    channels = FindChannels(store.runs, store.threads, store.workflows)
    cut, edit = CutBranch(store.threads, past, once, new_id, clock), EditThread(write, channels, schemas)
    restore = RestoreThread(write, past, channels, schemas)
    snapshots = SnapshotDesk(store.snapshots, store.threads, past, restore, once, new_id, clock)
    draw = DrawWorkflow(
        store.workflows, {"mermaid": lambda graph, notes=None: f"flowchart {graph.id}", "dot": lambda graph, notes=None: "digraph {}"}
    )
    return Desk(
        publish_workflow=PublishWorkflow(check, store.workflows, once, content_hash, clock),
        validate_workflow=ValidateWorkflow(check),
        get_workflow=GetWorkflow(store.workflows),
        list_workflows=ListWorkflows(store.workflows),
        list_versions=ListVersions(store.workflows),
        draw_workflow=draw,
        cost_paths=CostPaths(store.workflows, store.runs, store.journal, store.usage, draw),
        compose_workflows=ComposeWorkflows(store.workflows, validate),
        draft_workflow=DraftWorkflow(models, check, kinds, catalog, _calls(models, store, clock), new_id, clock),
        put_template=PutTemplate(store.templates, once, workshop, clock),
        get_template=GetTemplate(store.templates),
        list_templates=ListTemplates(store.templates),
        instantiate_template=InstantiateTemplate(store.templates, workshop),
        prompts=PromptDesk(store.prompts, prompts, once, content_hash, clock),
        start_run=start,
        get_run=GetRun(store.runs, Describe(store.journal, MemoryCache(60.0))),
        list_runs=ListRuns(store.runs),
        cancel_run=CancelRun(store.runs, store.journal, store.inbox),
        control=RunControl(store.runs, store.journal, store.inbox, past, once, new_id),
        answer_run=AnswerRun(store.runs, store.journal, store.inbox, schemas, store.marks, once, new_id, clock),
        resolve_run=ResolveRun(store.runs, store.journal, store.inbox, catalog, schemas, once),
        schedules=ScheduleDesk(store.schedules, LaunchRun(start, clock), CronCalendar(), once, new_id, clock),
        sessions=SessionDesk(store.sessions, store.threads, store.runs, store.inbox, once, new_id, clock),
        process_interaction=ProcessInteraction(store.sessions, store.journal, start, clock),
        list_interactions=ListInteractions(store.sessions, store.threads, store.journal, store.runs, store.workflows),
        items=ItemDesk(store.items, clock),
        budgets=BudgetDesk(
            store.budgets, store.accounts, models, WakeParked(store.runs, store.inbox, store.marks, new_id, clock), once, new_id, clock
        ),
        webhooks=WebhookDesk(store.webhooks, store.deliveries, Addresses(), once, new_id, lambda: new_id().encode()[-32:], clock),
        follow_run=FollowRun(store.runs, store.journal, feed),
        follow_thread=FollowThread(store.threads, store.runs, store.journal, feed),
        read_rows=ReadRows(store.threads, store.runs, store.journal),
        wait_for_run=WaitForRun(store.runs, store.journal, feed, store.inbox),
        open_thread=OpenThread(store.threads, store.sessions, once, new_id, clock),
        get_thread=GetThread(store.threads),
        list_threads=ListThreads(store.threads),
        show_tree=ShowTree(store.threads),
        join_children=JoinChildren(store.threads, store.runs, WaitForRun(store.runs, store.journal, feed, store.inbox)),
        branch_thread=BranchThread(cut, start),
        run_again=RunAgain(cut, start, edit, write),
        migrate_runs=MigrateRuns(
            store.runs, store.workflows, partial(resolve_versions, store.workflows, store.prompts), past, write, clock
        ),
        past=LookBack(past),
        edit_thread=edit,
        restore_thread=restore,
        snapshots=snapshots,
        branch_snapshot=BranchSnapshot(snapshots),
        tools=ToolDesk(catalog, store.registered, CallOnce(once, new_id), new_id, clock),
        tool_servers=ToolServerDesk(NoServers()),
        list_models=ListModels(models),
        list_workers=ListWorkers(MemoryRegistry(60.0)),
        usage=UsageDesk(store.sums, store.runs, store.workflows),
        policy=PolicyDesk(Policy(), catalog, store.sessions, store.workflows),
        create_key=CreateKey(store.keys, new_id, lambda: b"\x07" * 16 + new_id().encode()[-16:], clock, trail),
        list_keys=ListKeys(store.keys),
        remove_key=RemoveKey(store.keys, clock, trail),
        audit=AuditDesk(store.audit),
        history=HistoryDesk(store.history),
        note_request=NoteRequests(trail, clock),
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


def _calls(models: Models, store: Store, clock: Clock) -> DraftCalls:
    purse = Purse(store.budgets, Holdings(store.accounts, new_id, clock, 30.0))
    return DraftCalls(models, store.usage, purse, Unmetered(), clock)

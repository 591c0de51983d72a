"""What the memory store holds, shared by its adapters. All of it lives on one event loop: what has no `await` inside is a transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice, takewhile
from typing import Any

from domain.access import ApiKey
from domain.audit import Head
from domain.errors import RunNotFound
from domain.history import HistoryRecord
from domain.ids import ContentHash, DeliveryId, KeyId, RunId, ScheduleId, SessionId, SnapshotId, TenantId, ThreadId, WebhookId
from domain.item import Item, Namespace
from domain.ports.inbox import Wish
from domain.ports.repositories import IdempotencyMark
from domain.prompt import PromptVersion, Rollout
from domain.registered import RegisteredTool, ToolPin
from domain.run.run import Run
from domain.schedule import Firing, Schedule
from domain.session import Session
from domain.snapshot import ThreadSnapshot
from domain.thread import Thread
from domain.usage import LineKey, UsageRow
from domain.webhook import Delivery, Webhook
from domain.workflow import WorkflowTemplate, WorkflowVersion
from infrastructure.store.bell import Bell
from infrastructure.store.marks import FORGOTTEN_AT_ONCE, MARK_SECONDS
from infrastructure.store.memory.line import Line
from infrastructure.store.memory.log import Log


@dataclass(slots=True, repr=False)  # every adapter holds it: written out in each, a traceback would never end
class Book:
    line: Line
    wishes: Bell = field(default_factory=Bell)
    logs: dict[ThreadId, Log] = field(default_factory=dict)
    threads: dict[ThreadId, Thread] = field(default_factory=dict)
    runs: dict[RunId, Run] = field(default_factory=dict)
    inbox: dict[ThreadId, dict[int, tuple[str, Wish]]] = field(default_factory=dict)
    """By thread and number, with each wish's key."""
    marks: dict[tuple[TenantId, str], tuple[IdempotencyMark, str]] = field(default_factory=dict)
    """By tenant and key, with each mark's subject; oldest first."""
    published: dict[tuple[TenantId, str], dict[str, WorkflowVersion]] = field(default_factory=dict)
    """By tenant and name, then version."""
    contents: dict[tuple[TenantId, ContentHash], WorkflowVersion] = field(default_factory=dict)
    templates: dict[tuple[TenantId, str], WorkflowTemplate] = field(default_factory=dict)
    prompts: dict[tuple[TenantId, str], list[PromptVersion]] = field(default_factory=dict)
    """By tenant and name, in the order of their numbers."""
    rollouts: dict[tuple[TenantId, str], Rollout] = field(default_factory=dict)
    singletons: dict[tuple[TenantId, str], RunId] = field(default_factory=dict)
    """The unfinished run of each key, by tenant."""
    debounced: dict[tuple[TenantId, str], RunId] = field(default_factory=dict)
    """The run of each key that has not begun, by tenant."""
    usage: dict[RunId, dict[LineKey, UsageRow]] = field(default_factory=dict)
    keys: dict[KeyId, ApiKey] = field(default_factory=dict)
    sessions: dict[SessionId, Session] = field(default_factory=dict)
    schedules: dict[ScheduleId, Schedule] = field(default_factory=dict)
    firings: dict[ScheduleId, dict[datetime, Firing]] = field(default_factory=dict)
    """By schedule and due time."""
    webhooks: dict[WebhookId, Webhook] = field(default_factory=dict)
    deliveries: dict[WebhookId, dict[DeliveryId, Delivery]] = field(default_factory=dict)
    snapshots: dict[ThreadId, dict[SnapshotId, ThreadSnapshot]] = field(default_factory=dict)
    items: dict[tuple[TenantId, Namespace, str], Item] = field(default_factory=dict)
    tools: dict[TenantId, dict[str, RegisteredTool]] = field(default_factory=dict)
    pins: dict[str, dict[str, ToolPin]] = field(default_factory=dict)
    """By server and tool."""
    audit: dict[TenantId, dict[int, Sequence[Any]]] = field(default_factory=dict)
    """Rows by tenant and number."""
    audit_heads: dict[TenantId, Head] = field(default_factory=dict)
    history: dict[tuple[TenantId, datetime, str], HistoryRecord] = field(default_factory=dict)
    """By tenant, time and id."""

    def run(self, tenant: TenantId, run: RunId) -> Run:
        found = self.runs.get(run)
        if found is None or found.tenant != tenant:
            raise RunNotFound(f"there is no run {run}")
        return found

    def log(self, tenant: TenantId, thread: ThreadId) -> Log | None:
        found = self.logs.get(thread)
        return found if found is not None and found.tenant == tenant else None

    def open_thread(self, thread: Thread) -> None:
        if thread.id not in self.threads:
            self.threads[thread.id] = thread
            parent = self.logs.get(thread.parent) if thread.parent is not None and thread.parent_position else None
            self.logs[thread.id] = Log(thread.tenant, thread.id, base=thread.parent_position, parent=parent)

    def is_over(self, mark: IdempotencyMark, now: datetime) -> bool:
        return (now - mark.at).total_seconds() >= MARK_SECONDS

    def remember(self, tenant: TenantId, mark: IdempotencyMark, subject: str) -> None:
        """Keep a mark behind all others, and forget the first ones whose time is over."""
        self.marks.pop((tenant, mark.key), None)
        self.marks[tenant, mark.key] = (mark, subject)
        first = islice(self.marks.items(), FORGOTTEN_AT_ONCE)
        for key in [key for key, (known, _) in takewhile(lambda item: self.is_over(item[1][0], mark.at), first)]:
            del self.marks[key]

    def keep(self, snapshot: ThreadSnapshot) -> None:
        """One that is there stays as it is."""
        self.snapshots.setdefault(snapshot.thread, {}).setdefault(snapshot.id, snapshot)

    def count(self, row: UsageRow) -> None:
        lines = self.usage.setdefault(row.run, {})
        known = lines.get(row.key)
        lines[row.key] = row if known is None else known.settled_by(row)

    def end(self, run: Run) -> None:
        """It is over: who stands behind it may go, its keys are free, and nobody will take its wishes."""
        place = self.line.places.get(run.id)
        if place is None:
            return
        self.line.leave(place)
        if place.terms.singleton is not None:
            self.singletons.pop((run.tenant, place.terms.singleton), None)
        self.forget_wishes(run)

    def forget_wishes(self, run: Run) -> None:
        """It is over: nobody will take them."""
        wishes = self.inbox.pop(run.thread, {})
        if others := {number: entry for number, entry in wishes.items() if entry[1].run != run.id}:
            self.inbox[run.thread] = others

    def asked_of(self, run: Run) -> bool:
        """Is a wish for this run still waiting?"""
        return any(wish.run == run.id for _, wish in self.inbox.get(run.thread, {}).values())

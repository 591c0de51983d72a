"""What use cases are built from: what the container holds, and what several of them share."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from application import flow, making_way, once, placing, runs, workflows
from application.budgets.purse import Purse
from application.past import Past
from application.preparing_prompts import PromptShelf
from application.validation import Validate
from domain.policy import Policy
from domain.ports.audit import AuditTrail
from domain.ports.clock import Clock
from domain.ports.feed import Feed
from domain.ports.meter import Meter
from domain.ports.models import Models
from domain.ports.nodes import Workshop
from domain.ports.tools import ToolCatalog
from infrastructure.between import Between
from infrastructure.canonical import content_hash
from infrastructure.ids import new_id
from infrastructure.outgoing.addresses import Addresses
from infrastructure.schemas import JsonSchemas
from infrastructure.store.later import Later, LaterModule
from infrastructure.store.store import Store
from settings import Settings

if TYPE_CHECKING:
    from application import branching, channels, editing, outside, snapshots
    from application.budgets import waking
else:  # a run alone asks nothing of these
    branching = LaterModule("application.branching")
    channels = LaterModule("application.channels")
    editing = LaterModule("application.editing")
    outside = LaterModule("application.outside")
    snapshots = LaterModule("application.snapshots")
    waking = LaterModule("application.budgets.waking")


@dataclass(frozen=True)
class Parts:
    """`keyless`: nobody has a key yet, so that whoever reaches the service may ask."""

    settings: Settings
    store: Store
    between: Between
    clock: Clock
    schemas: JsonSchemas
    workshop: Workshop
    validate: Validate
    past: Past
    addresses: Addresses
    models: Models
    purse: Purse
    meter: Meter
    catalog: ToolCatalog
    policy: Policy
    trail: AuditTrail
    servers: Later
    prompts: PromptShelf
    keyless: bool

    @property
    def feed(self) -> Feed:
        return self.between.feed

    @cached_property
    def keyed(self) -> once.Once:
        return once.Once(self.store.marks, self.clock)

    @cached_property
    def check(self) -> workflows.CheckDocument:
        return workflows.CheckDocument(self.validate, self.store.workflows, self.catalog, self.prompts)

    @cached_property
    def start(self) -> runs.StartRun:
        store = self.store
        find = runs.FindWorkflow(store.workflows, self.check, content_hash, self.clock)
        place = placing.FindPlace(store.threads, store.sessions, store.inbox)
        way = making_way.MakeWay(store.runs, store.inbox)
        return runs.StartRun(store.runs, store.marks, store.journal, find, self.schemas, self._terms(), place, way, new_id, self.clock)

    def _terms(self) -> flow.MakeTerms:
        policy = flow.FlowPolicy(self.settings.priority_ageing_seconds, self.settings.concurrency_limit)
        return flow.MakeTerms(self.workshop.expressions, policy)

    @cached_property
    def wake(self) -> "waking.WakeParked":
        return waking.WakeParked(self.store.runs, self.store.inbox, self.store.marks, new_id, self.clock)

    @cached_property
    def find_channels(self) -> "channels.FindChannels":
        return channels.FindChannels(self.store.runs, self.store.threads, self.store.workflows)

    @cached_property
    def write(self) -> "outside.WriteFromOutside":
        return outside.WriteFromOutside(self.store.holds, self.past, self.store.journal, self.feed, self.keyed, new_id, self.clock)

    @cached_property
    def edit(self) -> "editing.EditThread":
        return editing.EditThread(self.write, self.find_channels, self.schemas)

    @cached_property
    def cut(self) -> "branching.CutBranch":
        return branching.CutBranch(self.store.threads, self.past, self.keyed, new_id, self.clock)

    @cached_property
    def restore(self) -> "editing.RestoreThread":
        return editing.RestoreThread(self.write, self.past, self.find_channels, self.schemas)

    @cached_property
    def kept(self) -> "snapshots.SnapshotDesk":
        return snapshots.SnapshotDesk(self.store.snapshots, self.store.threads, self.past, self.restore, self.keyed, new_id, self.clock)

"""Everything durable that one process has open, behind the domain's ports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from domain.ports.audit import AuditRecords
    from domain.ports.budgets import BudgetAccounts, Budgets
    from domain.ports.history import HistoryRepository
    from domain.ports.holds import Holds
    from domain.ports.inbox import Inbox
    from domain.ports.items import Items
    from domain.ports.journal import Journal
    from domain.ports.lanes import Lanes
    from domain.ports.pins import ToolPins
    from domain.ports.prompts import Prompts
    from domain.ports.queue import RunQueue
    from domain.ports.repositories import Keys, Marks, Runs, StoreHealth, TemplateShelf, Threads, UsageLedger, Workflows
    from domain.ports.retention import Retention
    from domain.ports.schedules import DueSchedules, Schedules
    from domain.ports.sessions import Sessions
    from domain.ports.snapshots import Snapshots
    from domain.ports.tools import RegisteredTools
    from domain.ports.usage import UsageSums
    from domain.ports.webhooks import Deliveries, DueDeliveries, Webhooks
    from infrastructure.heart import OpenRenew


@dataclass(frozen=True, slots=True)
class Store:
    journal: Journal
    queue: RunQueue
    inbox: Inbox
    runs: Runs
    marks: Marks
    workflows: Workflows
    templates: TemplateShelf
    prompts: Prompts
    threads: Threads
    usage: UsageLedger
    sums: UsageSums
    keys: Keys
    health: StoreHealth
    retention: Retention
    schedules: Schedules
    due: DueSchedules
    sessions: Sessions
    webhooks: Webhooks
    deliveries: Deliveries
    owed: DueDeliveries
    holds: Holds
    snapshots: Snapshots
    items: Items
    registered: RegisteredTools
    pins: ToolPins
    audit: AuditRecords
    lanes: Lanes
    history: HistoryRepository
    budgets: Budgets
    accounts: BudgetAccounts
    open_renew: OpenRenew | None = None
    """A way to renew leases from another thread, where there is one."""

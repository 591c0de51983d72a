"""What is hot, whichever database is behind it: these speak to the driver."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from domain.ids import RunId, TenantId, ThreadId
from domain.ports.audit import AuditRecords
from domain.ports.budgets import BudgetAccounts, Budgets
from domain.ports.history import HistoryRepository
from domain.ports.holds import Holds
from domain.ports.inbox import Inbox
from domain.ports.journal import Journal
from domain.ports.queue import RunQueue
from domain.ports.repositories import Marks, NewRun, Started
from domain.run.run import Run
from domain.thread import Thread
from infrastructure.heart import OpenRenew
from infrastructure.store.reader import Reader

OnCommitted: TypeAlias = Callable[[int, float], None]
"""Hears of each batch that was committed: its journal rows, and the seconds it took."""


class Starts(Protocol):
    async def start(self, new: NewRun) -> Started: ...

    async def open_thread(self, thread: Thread) -> None: ...

    async def get(self, tenant: TenantId, run: RunId) -> Run: ...

    async def unfinished(self, tenant: TenantId, thread: ThreadId) -> Sequence[Run]: ...


@dataclass(frozen=True, slots=True)
class Hot:
    journal: Journal
    queue: RunQueue
    inbox: Inbox
    starts: Starts
    marks: Marks
    holds: Holds
    reader: Reader
    audit: AuditRecords
    history: HistoryRepository
    budgets: Budgets
    accounts: BudgetAccounts
    open_renew: OpenRenew

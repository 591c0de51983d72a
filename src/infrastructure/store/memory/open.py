"""A store that keeps nothing beyond the process: the ports' promises at the price of a dictionary."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from domain.ports.clock import Clock
from infrastructure.memory.lanes import MemoryLanes
from infrastructure.store.memory.audit import MemoryAudit
from infrastructure.store.memory.book import Book
from infrastructure.store.memory.budgets import MemoryBudgetAccounts, MemoryBudgets
from infrastructure.store.memory.history import MemoryHistory
from infrastructure.store.memory.holds import MemoryHolds
from infrastructure.store.memory.inbox import MemoryInbox
from infrastructure.store.memory.items import MemoryItems
from infrastructure.store.memory.journal import MemoryJournal
from infrastructure.store.memory.line import Line
from infrastructure.store.memory.marks import MemoryMarks
from infrastructure.store.memory.prompts import MemoryPrompts
from infrastructure.store.memory.queue import MemoryQueue
from infrastructure.store.memory.retention import MemoryRetention
from infrastructure.store.memory.runs import MemoryRuns
from infrastructure.store.memory.schedules import MemoryDueSchedules, MemorySchedules
from infrastructure.store.memory.sessions import MemorySessions
from infrastructure.store.memory.shelves import MemoryHealth, MemoryKeys, MemorySums, MemoryUsage
from infrastructure.store.memory.snapshots import MemorySnapshots
from infrastructure.store.memory.threads import MemoryThreads
from infrastructure.store.memory.tools import MemoryPins, MemoryTools
from infrastructure.store.memory.webhooks import MemoryDeliveries, MemoryDueDeliveries, MemoryWebhooks
from infrastructure.store.memory.workflows import MemoryTemplates, MemoryWorkflows
from infrastructure.store.store import Store


@asynccontextmanager
async def open_memory(*, clock: Clock, on_committed: Callable[[int, float], None] | None = None) -> AsyncIterator[Store]:
    """Graphs stay parsed here; other stores keep them as documents. `on_committed` hears of every append."""
    book = Book(Line())
    budgets = MemoryBudgets()
    yield Store(
        journal=MemoryJournal(book, clock, on_committed),
        queue=MemoryQueue(book, clock),
        inbox=MemoryInbox(book, clock),
        runs=MemoryRuns(book, clock),
        marks=MemoryMarks(book),
        workflows=MemoryWorkflows(book),
        templates=MemoryTemplates(book),
        prompts=MemoryPrompts(book),
        threads=MemoryThreads(book),
        usage=MemoryUsage(book),
        sums=MemorySums(book),
        keys=MemoryKeys(book),
        health=MemoryHealth(),
        retention=MemoryRetention(book),
        schedules=MemorySchedules(book),
        due=MemoryDueSchedules(book),
        sessions=MemorySessions(book),
        webhooks=MemoryWebhooks(book),
        deliveries=MemoryDeliveries(book),
        holds=MemoryHolds(book),
        snapshots=MemorySnapshots(book),
        items=MemoryItems(book),
        owed=MemoryDueDeliveries(book),
        registered=MemoryTools(book),
        pins=MemoryPins(book),
        audit=MemoryAudit(book),
        lanes=MemoryLanes(),
        history=MemoryHistory(book),
        budgets=budgets,
        accounts=MemoryBudgetAccounts(budgets),
    )

"""Making rows durable, however often the store has to be asked; and what every drive of a process shares."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from application.budgets.purse import Purse
from application.deciding import RetryPolicy
from application.taking_along import TakeAlong
from domain.errors import DatabaseError, DatabaseUnusable, Stale
from domain.history import Capture
from domain.ports.clock import Clock
from domain.ports.feed import Feed
from domain.ports.inbox import Inbox
from domain.ports.items import Items
from domain.ports.journal import Append, Journal, Recorded
from domain.ports.meter import Meter
from domain.ports.repositories import Marks, UsageLedger
from domain.ports.traces import UNTRACED, Traces

log = structlog.get_logger("application.engine")


@dataclass(frozen=True, slots=True)
class EngineTools:
    """What every drive of a process shares."""

    journal: Journal
    feed: Feed
    meter: Meter
    clock: Clock
    retries: RetryPolicy
    ledger: UsageLedger
    inbox: Inbox
    marks: Marks
    items: Items
    take_along: TakeAlong
    capture: Capture = Capture.ON
    """How much of what is said the history keeps where workflows say nothing."""
    traces: Traces = UNTRACED
    purse: Purse | None = None
    """What this process holds of budgets; None: nothing is held to one."""


async def append_surely(tools: EngineTools, unit: Append, is_lost: Callable[[], bool]) -> Sequence[Recorded]:
    """Asks until the store answers or the lease is lost; of one that cannot be used once. Raises what the store refuses it with."""
    pause = 0.05
    trouble: DatabaseError
    try:
        return await tools.journal.append(unit)
    except DatabaseUnusable:
        raise
    except DatabaseError as error:
        trouble = error
    while not is_lost():
        log.warning("store does not answer; trying again", run=unit.lease.run, reason=trouble.message, pause=pause)
        await tools.clock.sleep(pause)
        pause = min(pause * 2, 2.0)
        try:
            return await append_again(tools.journal, unit)
        except DatabaseUnusable:
            raise
        except DatabaseError as still:
            trouble = still
    raise trouble


async def append_again(journal: Journal, unit: Append) -> Sequence[Recorded]:
    """An answer that got lost shows as `Stale` now: then the rows are there."""
    lease = unit.lease
    try:
        return await journal.append(unit)
    except Stale:
        if await journal.end(lease.tenant, lease.thread) != unit.after + len(unit.events):
            raise
        return await journal.read(lease.tenant, lease.thread, unit.after, len(unit.events))

"""What a worker does beside its runs: its heartbeat, schedules, webhooks, and what is swept away."""

import asyncio
import gc
import os
import platform
import random
import sys
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

from application.chores import Chore, Chores
from application.desk import Desk
from application.working import Worker, WorkerPolicy
from infrastructure.between import WORKER_SECONDS
from infrastructure.calendar import CronCalendar
from infrastructure.ids import new_id
from infrastructure.store.later import LaterModule
from settings import Settings
from wiring.adapters import sender_of
from wiring.parts import Parts

if TYPE_CHECKING:
    from application import delivering, firing, forgetting, history, registering, retention, snapshots
    from application.budgets import telling, tending, watching
else:  # a run alone asks nothing of these
    delivering = LaterModule("application.delivering")
    firing = LaterModule("application.firing")
    forgetting = LaterModule("application.forgetting")
    history = LaterModule("application.history")
    registering = LaterModule("application.registering")
    retention = LaterModule("application.retention")
    snapshots = LaterModule("application.snapshots")
    telling = LaterModule("application.budgets.telling")
    tending = LaterModule("application.budgets.tending")
    watching = LaterModule("application.budgets.watching")


def tune_for_work() -> None:
    # The thread that commits wants the interpreter's lock a few times per batch: waiting 5 ms for each, it would never work beside us.
    sys.setswitchinterval(0.0001)
    # What is open now stays. What a run leaves behind is freed by its references; a look for circles every 700 objects costs more than it
    # frees.
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


@asynccontextmanager
async def under_way(works: Iterable[Coroutine[object, object, object]]) -> AsyncIterator[None]:
    """They run while the block does, and are over when it is left."""
    beside = [asyncio.create_task(work) for work in works]
    try:
        yield
    finally:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)


def work_of(settings: Settings) -> WorkerPolicy:
    looks = max(5.0, settings.poll_seconds)
    return WorkerPolicy(settings.worker_runs, settings.lease_seconds, settings.poll_seconds, settings.grace_seconds, looks)


def beats_of(parts: Parts, worker: Worker) -> "registering.Beats":
    return registering.Beats(
        parts.between.registry,
        parts.clock,
        worker.id,
        platform.node(),
        os.getpid(),
        version("weft"),
        parts.clock.now(),
        lambda: len(worker.leases),
        WORKER_SECONDS / 3,
    )


def chores_of(parts: Parts, desk: Desk, beats: "registering.Beats") -> Chores:
    store, clock = parts.store, parts.clock
    chores: list[Chore] = [beats, _firing(parts, desk), *_webhooks(parts), snapshots.ForgetSnapshots(store.snapshots, clock)]
    chores += [_budgets(parts), watching.WatchBudgets(store.budgets, store.accounts, parts.meter, clock)]
    chores.append(forgetting.ForgetItems(store.items, clock))
    if parts.settings.history_days:
        chores.append(history.ForgetHistory(store.history, clock, parts.settings.history_days))
    if parts.settings.retention_days:
        chores.append(retention.Sweep(store.retention, clock, parts.settings.retention_days))
    return Chores(chores, clock)


def _firing(parts: Parts, desk: Desk) -> "firing.FireSchedules":
    store, launch = parts.store, desk.schedules.launch
    return firing.FireSchedules(store.schedules, store.due, store.runs, launch, desk.cancel_run, CronCalendar(), new_id, parts.clock)


def _budgets(parts: Parts) -> "tending.TendBudgets":
    store, clock = parts.store, parts.clock
    tell = telling.TellOfBudget(store.webhooks, store.deliveries, clock)
    return tending.TendBudgets(store.budgets, store.accounts, tell, parts.wake, clock, parts.purse)


def _webhooks(parts: Parts) -> tuple[Chore, Chore]:
    store, clock = parts.store, parts.clock
    deliver = delivering.Deliver(store.webhooks, store.deliveries, store.runs, sender_of(parts.addresses, clock), clock, random.random)
    return delivering.Dispatch(store.owed, deliver, clock), delivering.ForgetDeliveries(store.owed, clock)

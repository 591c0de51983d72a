"""A worker: claims runs, keeps their leases, hands wishes to them, and stops in order.

A claim is never cancelled, only waited out. Stop is asked, waited for, then enforced.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

import structlog

from application.drive import Drive
from application.engine import Engine
from domain.errors import DatabaseError, Fenced, WeftError
from domain.ids import ThreadId, WorkerId
from domain.ports.clock import Clock
from domain.ports.inbox import Inbox, Wish
from domain.ports.meter import Meter
from domain.ports.queue import Claim, RunQueue

log = structlog.get_logger("application.worker")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class WorkerPolicy:
    """Seconds, and how many runs at once. A heartbeat comes every third of a lease."""

    runs: int = 100
    lease_seconds: float = 30.0
    poll_seconds: float = 0.5
    grace_seconds: float = 10.0
    gauge_seconds: float = 5.0


@dataclass(slots=True)
class Worker:
    id: WorkerId
    engine: Engine
    queue: RunQueue
    inbox: Inbox
    meter: Meter
    clock: Clock
    policy: WorkerPolicy = field(default_factory=WorkerPolicy)
    drives: dict[ThreadId, Drive] = field(default_factory=dict)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    freed: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Work until `stop`; then let what runs come to a row, hand the rest back, and return. A helper task that dies takes the worker
        down."""
        log.info("worker started", worker=self.id, runs=self.policy.runs)
        helpers = [asyncio.create_task(loop) for loop in (self._claiming(), self._beating(), self._listening(), self._gauging())]
        stopped = asyncio.create_task(self.stopping.wait())
        done, _ = await asyncio.wait([*helpers, stopped], return_when=asyncio.FIRST_COMPLETED)
        try:
            await self._wind_down(helpers[0])
        finally:
            for task in [*helpers, stopped]:
                task.cancel()
            await asyncio.gather(*helpers, stopped, return_exceptions=True)
            log.info("worker stopped", worker=self.id)
        for task in done - {stopped}:
            task.result()

    def stop(self) -> None:
        """Ask: no new claims, no new activations; what runs may finish within the grace."""
        self.stopping.set()
        self.freed.set()
        for drive in self.drives.values():
            drive.is_stopping = True
            drive.wake.set()

    def abort(self) -> None:
        """Enforce: what still runs is cancelled; its runs are handed back as they are."""
        for task in self.tasks:
            task.cancel()

    async def _wind_down(self, claiming: asyncio.Task[None]) -> None:
        self.stop()
        with suppress(Exception):
            await claiming
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=self.policy.grace_seconds)
        self.abort()
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=self.policy.grace_seconds)

    # Claiming and driving.

    async def _claiming(self) -> None:
        while not self.stopping.is_set():
            room = self.policy.runs - len(self.tasks)
            if room <= 0:
                self.freed.clear()
                await self.freed.wait()
                continue
            claims = await self._patiently(self.queue.claim(self.id, room, self.policy.lease_seconds))
            if claims is None:
                continue
            if not claims:
                await self._rest()
                continue
            wishes = await self._patiently(self.inbox.waiting([claim.lease.thread for claim in claims]))
            for claim in claims:
                self._take(claim, [wish for wish in wishes or () if wish.run == claim.run.id])

    async def _rest(self) -> None:
        due = await self._patiently(self.queue.next_due())
        wait = self.policy.poll_seconds
        if due is not None:
            wait = min(max(due - self.clock.now().timestamp(), 0.005), wait)
        waking = asyncio.create_task(self.queue.woken(wait))
        stopped = asyncio.create_task(self.stopping.wait())
        await asyncio.wait([waking, stopped], return_when=asyncio.FIRST_COMPLETED)
        for task in (waking, stopped):
            task.cancel()

    async def _patiently(self, call: Coroutine[object, object, T]) -> T | None:
        """A worker without its database waits, and says so."""
        try:
            return await call
        except DatabaseError as error:
            log.warning("waiting for the database", worker=self.id, reason=error.message)
            with suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), self.policy.poll_seconds)
            return None

    def _take(self, claim: Claim, wishes: Sequence[Wish]) -> None:
        if claim.taken_over:
            self.meter.taken_over()
            log.warning("run taken over", worker=self.id, run=claim.run.id, thread=claim.run.thread, epoch=claim.lease.epoch)
        task = asyncio.create_task(self._work(claim, wishes), name=f"run {claim.run.id}")
        self.tasks.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        self.freed.set()
        if not task.cancelled() and task.exception() is not None:
            log.error("drive died", worker=self.id, exc_info=task.exception())

    async def _work(self, claim: Claim, wishes: Sequence[Wish]) -> None:
        run = claim.run
        try:
            drive = await self.engine.open(claim)
        except DatabaseError as error:
            await self._give_back(claim, error)
            return
        except WeftError as error:
            await self.engine.refuse(claim, error)
            return
        what = "run started" if drive.outbox else "run resumed"
        log.info(what, run=run.id, thread=run.thread, workflow=run.workflow, worker=self.id, epoch=claim.lease.epoch)
        drive.wishes.extend(wishes)
        drive.seen.update(wish.number for wish in wishes)
        await self._drive(claim, drive)

    async def _drive(self, claim: Claim, drive: Drive) -> None:
        thread = claim.lease.thread
        self.drives[thread] = drive
        drive.is_stopping = self.stopping.is_set()
        try:
            await self.engine.drive(drive)
        except Fenced:
            log.warning("run was taken away", worker=self.id, run=claim.run.id, thread=thread, epoch=claim.lease.epoch)
        except WeftError as error:
            await self._give_back(claim, error)
        except asyncio.CancelledError:
            await asyncio.shield(self.queue.release(claim.lease))
            raise
        finally:
            self.drives.pop(thread, None)

    async def _give_back(self, claim: Claim, error: WeftError) -> None:
        log.error("run handed back", worker=self.id, run=claim.run.id, code=error.code, reason=error.message)
        await self.clock.sleep(self.policy.poll_seconds)
        await self.queue.release(claim.lease)

    # Leases, wishes, gauges.

    async def _beating(self) -> None:
        while True:
            await self.clock.sleep(self.policy.lease_seconds / 3)
            leases = [drive.lease for drive in self.drives.values()]
            lost = await self._patiently(self.queue.renew(self.id, leases, self.policy.lease_seconds)) if leases else ()
            for lease in lost or ():
                drive = self.drives.get(lease.thread)
                if drive is not None and drive.lease == lease:
                    drive.is_lost = True
                    drive.wake.set()

    async def _listening(self) -> None:
        while True:
            wishes = await self._patiently(self.inbox.waiting(list(self.drives))) if self.drives else ()
            for wish in wishes or ():
                drive = self.drives.get(wish.thread)
                if drive is not None and drive.run.id == wish.run and wish.number not in drive.seen:
                    drive.seen.add(wish.number)
                    drive.wishes.append(wish)
                    drive.wake.set()
            await self.inbox.knocked(self.policy.poll_seconds)

    async def _gauging(self) -> None:
        while True:
            depth = await self._patiently(self.queue.depth())
            if depth is not None:
                self.meter.queue_seen(depth)
            await self.clock.sleep(self.policy.gauge_seconds)

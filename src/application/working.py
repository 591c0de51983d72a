"""A worker: claims runs, keeps their leases, hands wishes to them, and stops in order.

A claim is never cancelled, only waited out. Stop is asked, waited for, then enforced.
"""

import asyncio
from collections.abc import Collection, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import structlog

from application.carrying import carry
from application.claiming import Claiming
from application.drive import Drive
from application.engine import Engine
from application.quiet import Quiet
from domain.errors import DatabaseError, DatabaseUnusable, Fenced, WeftError
from domain.ids import WorkerId
from domain.ports.clock import Clock
from domain.ports.heart import Heart
from domain.ports.inbox import Inbox, Wish
from domain.ports.journal import Lease
from domain.ports.meter import Meter
from domain.ports.queue import Claim, RunQueue

log = structlog.get_logger("application.worker")
T = TypeVar("T")
LETTING_GO_SECONDS = 5.0
"""How long runs that were told to stop at once may take to do so."""
LOOK_SECONDS = 0.02
"""How often it is looked whether a run that is at risk has written a row."""


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
    heart: Heart
    policy: WorkerPolicy = field(default_factory=WorkerPolicy)
    hand: Claiming = field(init=False)
    drives: dict[Lease, Drive] = field(default_factory=dict)
    quiet: Quiet = field(default_factory=Quiet)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    freed: asyncio.Event = field(default_factory=asyncio.Event)
    broken: DatabaseUnusable | None = None

    def __post_init__(self) -> None:
        self.hand = Claiming(self.id, self.queue, self.policy.lease_seconds)

    @property
    def leases(self) -> Collection[Lease]:
        """Of every run in hand."""
        return self.hand.leases

    async def run(self) -> None:
        """Work until `stop`; then let what runs come to a row, hand the rest back, and return. A helper task that dies takes the worker
        down."""
        log.info("worker started", worker=self.id, runs=self.policy.runs)
        async with self.heart.beating(self.id, self.policy.lease_seconds, lambda: list(self.leases), self._lost):
            await self._work_until_stopped()
        log.info("worker stopped", worker=self.id)

    async def _work_until_stopped(self) -> None:
        helpers = [asyncio.create_task(loop) for loop in (self._claiming(), self._listening(), self._gauging())]
        stopped = asyncio.create_task(self.stopping.wait())
        try:
            await asyncio.wait([*helpers, stopped], return_when=asyncio.FIRST_COMPLETED)
            self.stop()
            await asyncio.wait(helpers[:1])
            await self._wait_for_runs(self.policy.grace_seconds)
        finally:
            await self._enforce(helpers)
            for task in [*helpers, stopped]:
                task.cancel()
            await asyncio.gather(*helpers, stopped, return_exceptions=True)
        for task in helpers:
            if not task.cancelled():
                task.result()
        if self.broken is not None:
            raise self.broken

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

    async def _enforce(self, helpers: Sequence[asyncio.Task[None]]) -> None:
        """Also when the worker itself was cancelled: a claim under way is waited out, and every run is let go of."""
        self.stop()
        await asyncio.wait(helpers[:1], timeout=LETTING_GO_SECONDS)
        self.abort()
        await self._wait_for_runs(LETTING_GO_SECONDS)
        with suppress(DatabaseUnusable):
            await self._patiently(self.hand.settle())

    async def _wait_for_runs(self, seconds: float) -> None:
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=seconds)

    # Claiming and driving.

    async def _claiming(self) -> None:
        while not self.stopping.is_set():
            room = self.policy.runs - len(self.tasks)
            if room <= 0 or self.hand.risks_others(self.drives):
                self.freed.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.freed.wait(), None if room <= 0 else LOOK_SECONDS)
                continue
            claims = await self._patiently(self.hand.claim(room))
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
        waking = asyncio.create_task(self._patiently(self.queue.woken(wait)))
        stopped = asyncio.create_task(self.stopping.wait())
        try:
            await asyncio.wait([waking, stopped], return_when=asyncio.FIRST_COMPLETED)
            if waking.done():
                waking.result()
        finally:
            waking.cancel()
            stopped.cancel()

    async def _patiently(self, call: Coroutine[object, object, T]) -> T | None:
        """A worker without its database waits, and says so. One whose database cannot be used ends."""
        try:
            return await call
        except DatabaseError as error:
            if isinstance(error, DatabaseUnusable):
                raise
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
        """However it ends, the run has ended, is handed back, or is no longer ours."""
        lease = claim.lease
        try:
            await carry(self.engine, claim, wishes, partial(self._opened, lease))
        except Fenced:
            log.warning("run was taken away", worker=self.id, run=claim.run.id, thread=lease.thread, epoch=lease.epoch)
        except DatabaseUnusable as error:  # claimed again it would get no further, and in the end count as poisoned
            self.broken = error
            self.stop()
            await self._release(lease)
        except WeftError as error:
            log.error("run handed back", worker=self.id, run=claim.run.id, code=error.code, reason=error.message)
            try:
                await self.clock.sleep(self.policy.poll_seconds)
            finally:
                await self._release(lease)
        except asyncio.CancelledError:
            await self._release(lease)
            raise
        finally:
            self.hand.let_go(lease)
            self.drives.pop(lease, None)

    def _opened(self, lease: Lease, drive: Drive) -> None:
        self.drives[lease] = drive
        drive.is_stopping = self.stopping.is_set()

    async def _release(self, lease: Lease) -> None:
        try:
            await asyncio.shield(self.queue.release(lease))
        except DatabaseError as error:
            log.warning("a run could not be handed back; it is with the next claim", worker=self.id, run=lease.run, reason=error.message)
            self.hand.let_go(lease, given_back=False)

    def _lost(self, leases: Collection[Lease]) -> None:
        for lease in leases:
            drive = self.drives.get(lease)
            if drive is not None and not drive.is_lost:
                log.warning("run was taken away", worker=self.id, run=lease.run, thread=lease.thread, epoch=lease.epoch)
                drive.is_lost = True
                drive.wake.set()

    async def _listening(self) -> None:
        while True:
            threads = {lease.thread for lease in self.drives}
            wishes = await self._patiently(self.inbox.waiting(threads)) if threads else ()
            drives = {lease.run: drive for lease, drive in self.drives.items()}
            for wish in wishes or ():
                drive = drives.get(wish.run)
                if drive is not None and wish.number not in drive.seen:
                    drive.seen.add(wish.number)
                    drive.wishes.append(wish)
                    drive.wake.set()
            await self._patiently(self.inbox.knocked(self.policy.poll_seconds))

    async def _gauging(self) -> None:
        while True:
            depth = await self._patiently(self.queue.depth())
            if depth is not None:
                self.meter.queue_seen(depth)
            self.meter.runs_seen(self.quiet.look(self.drives, self.clock.monotonic()))
            await self.clock.sleep(self.policy.gauge_seconds)

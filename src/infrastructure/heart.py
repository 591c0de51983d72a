"""Heartbeats: on the event loop, or from a thread that a node which holds the loop cannot stop."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Final, TypeAlias

import structlog

from domain.errors import DatabaseError
from domain.ids import WorkerId
from domain.ports.clock import Clock
from domain.ports.heart import LeasesNow, OnLost
from domain.ports.journal import Lease

log = structlog.get_logger("infrastructure.heart")
BEATS_A_LEASE: Final = 3
AGAIN_SECONDS: Final = 0.5
"""After a store that did not answer; sooner where leases are short."""

Renew: TypeAlias = Callable[[WorkerId, Collection[Lease], float], Awaitable[Collection[Lease]]]
"""As `RunQueue.renew`."""
OpenRenew: TypeAlias = Callable[[], AbstractAsyncContextManager[Renew]]
"""A way of its own to the store, for the loop that opens it."""


@dataclass(frozen=True, slots=True)
class LoopHeart:
    """Beats on the event loop of the worker: where there is no other way to the store, and in simulations."""

    renew: Renew
    clock: Clock

    @asynccontextmanager
    async def beating(self, worker: WorkerId, lease_seconds: float, leases: LeasesNow, lost: OnLost) -> AsyncIterator[None]:
        beats = asyncio.create_task(_beat(self.renew, self.clock.sleep, worker, lease_seconds, leases, lost))
        try:
            yield
        finally:
            beats.cancel()
            await asyncio.wait([beats])


@dataclass(frozen=True, slots=True)
class ThreadHeart:
    """Beats on a thread with an event loop and a connection of its own."""

    open_renew: OpenRenew

    @asynccontextmanager
    async def beating(self, worker: WorkerId, lease_seconds: float, leases: LeasesNow, lost: OnLost) -> AsyncIterator[None]:
        ours = asyncio.get_running_loop()
        theirs = asyncio.new_event_loop()

        def tell(gone: Collection[Lease]) -> None:
            ours.call_soon_threadsafe(lost, gone)

        beats = theirs.create_task(self._beats(worker, lease_seconds, leases, tell))
        thread = threading.Thread(target=_run_until_over, args=(theirs, beats), name="weft-heart", daemon=True)
        thread.start()
        try:
            yield
        finally:
            theirs.call_soon_threadsafe(beats.cancel)
            await asyncio.to_thread(thread.join)

    async def _beats(self, worker: WorkerId, lease_seconds: float, leases: LeasesNow, lost: OnLost) -> None:
        async with self.open_renew() as renew:
            await _beat(renew, asyncio.sleep, worker, lease_seconds, leases, lost)


def _run_until_over(loop: asyncio.AbstractEventLoop, beats: "asyncio.Task[None]") -> None:
    try:
        loop.run_until_complete(asyncio.wait([beats]))
    finally:
        loop.close()


async def _beat(
    renew: Renew, sleep: Callable[[float], Awaitable[None]], worker: WorkerId, lease_seconds: float, leases: LeasesNow, lost: OnLost
) -> None:
    pause = lease_seconds / BEATS_A_LEASE
    while True:
        await sleep(pause)
        pause = lease_seconds / BEATS_A_LEASE
        held = leases()
        if not held:
            continue
        try:
            gone = await renew(worker, held, lease_seconds)
        except DatabaseError as error:
            log.warning("leases could not be renewed", worker=worker, leases=len(held), reason=error.message)
            pause = min(AGAIN_SECONDS, pause / 4)
        except Exception as error:
            log.error("a heartbeat failed; going on", worker=worker, exc_info=error)
        else:
            if gone:
                lost(gone)

"""The short right to write to a thread from outside, while nobody works on it."""

from dataclasses import dataclass
from typing import Final, Protocol

from domain.ids import Position, RunId, TenantId, ThreadId, WorkerId
from domain.ports.journal import Lease

OUTSIDE: Final = WorkerId("outside")
"""The worker of every such lease. It is in no registry."""
NO_RUN: Final = RunId("")
"""Whose rows belong to no run."""


@dataclass(frozen=True, slots=True)
class Hold:
    """`position`: where the thread's journal ends. `lease.run`: the parked run that has the thread, else `NO_RUN`."""

    lease: Lease
    position: Position


class Holds(Protocol):
    async def hold(self, tenant: TenantId, thread: ThreadId) -> Hold:
        """Raise the thread's epoch, as a claim does. Nothing has to be given back: the next claim raises it again, and an append with this
        lease is `Fenced` from then on.

        `ThreadBusy` names the run that a worker holds (also when its lease has run out: another worker is about to take it over), or that
        is on its way from one worker to the next: such a one is never disturbed. A parked run keeps nobody out, nor one that has not begun.
        `ThreadNotFound` when there is none. Of two at once the later one has the lease.
        """

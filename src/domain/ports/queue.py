"""Which runs want a worker. Rows in the store are the truth; wake-ups are hints."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.ids import Position, WorkerId
from domain.ports.journal import Lease
from domain.run.run import Run


@dataclass(frozen=True, slots=True)
class Claim:
    """A run that this worker now holds. `position`: where its thread's journal ends. `taken_over`: another worker's lease had run out."""

    lease: Lease
    run: Run
    position: Position
    taken_over: bool = False


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """`waiting`: claimable now. `lag_seconds`: how long the oldest of them has been."""

    waiting: int
    claimed: int
    parked: int
    lag_seconds: float


class RunQueue(Protocol):
    async def claim(self, worker: WorkerId, limit: int, lease_seconds: float) -> Sequence[Claim]:
        """Take up to `limit` runs that are due and unclaimed or whose lease has run out, oldest first; at most one of a thread, and
        never one
        whose thread has an older unfinished run. Each claim raises its thread's epoch before this returns. Two workers never get the
        same run."""

    async def renew(self, worker: WorkerId, leases: Collection[Lease], lease_seconds: float) -> Collection[Lease]:
        """Extend these leases; returns those that are no longer ours (taken over, or ended)."""

    async def release(self, lease: Lease) -> None:
        """Give a claimed run back, claimable at once. Does nothing when the lease is not the newest."""

    async def next_due(self) -> float | None:
        """Seconds since the epoch at which the earliest unclaimed or lapsing run becomes claimable; None when there is none."""

    async def depth(self) -> QueueDepth:
        """Counts over all tenants."""

    async def woken(self, timeout: float) -> None:
        """Returns when a run may have become claimable, or after `timeout` seconds. A hint: it may come late or for nothing."""

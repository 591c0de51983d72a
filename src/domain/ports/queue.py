"""Which runs want a worker. Rows in the store are the truth; wake-ups are hints."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.ids import Position, WorkerId
from domain.ports.journal import Lease
from domain.run.run import Run


@dataclass(frozen=True, slots=True)
class Claim:
    """A run that this worker now holds. `position`: where its thread's journal ends. `taken_over`: another worker's lease had run out.

    `deliveries`: how often it was claimed without a row since, this time included; a claim that was given back in order does not count.
    At `DELIVERIES` it stays until the last delivery was begun (`begin_last`); one more says that this was lost too.
    """

    lease: Lease
    run: Run
    position: Position
    taken_over: bool = False
    deliveries: int = 1


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """`waiting`: due and held by nobody, or lapsed; also those that a limit of their key keeps waiting. `lag_seconds`: how long the oldest
    of them has been due. `attention`: parked until an operator decides about a call."""

    waiting: int
    claimed: int
    parked: int
    lag_seconds: float
    attention: int = 0


class RunQueue(Protocol):
    async def claim(self, worker: WorkerId, limit: int, lease_seconds: float) -> Sequence[Claim]:
        """Take up to `limit` runs: first those whose lease has run out, then due ones that nobody holds. Tenants take turns: each caller
        goes round those that have something to do. Of one tenant the order is that of `due_at` less the head start of its priority,
        then of the starts. At most one run of a thread, and never one whose thread has an older unfinished run.

        No more runs of a slot are held, and no more of a rate begin in one window, than its gate says, however many claim at once; what a
        gate keeps out does not keep others waiting. A gate that another claim is just going through is passed over. Each claim raises
        its thread's epoch before this returns. Two workers never get the same run."""

    async def renew(self, worker: WorkerId, leases: Collection[Lease], lease_seconds: float) -> Collection[Lease]:
        """Extend these leases; returns those that are no longer ours (taken over, or ended)."""

    async def release(self, lease: Lease) -> None:
        """Give a claimed run back, to where it stood in the line. Does nothing when the lease is not the newest."""

    async def give_back(self, worker: WorkerId, held: Collection[Lease]) -> int:
        """Give back what is claimed by this worker and is none of these: of claims whose answer was lost. How many there were; like
        those that are released, they count as no delivery."""

    async def begin_last(self, lease: Lease) -> bool:
        """Begin the last delivery of a claim that says `DELIVERIES`: if its worker is lost from now on, the next claim says more. Until
        then nobody has tried it, whatever became of the worker that had it in hand. False when the lease is not the newest."""

    async def next_due(self) -> float | None:
        """Seconds since the epoch at which the earliest unclaimed or lapsing run becomes claimable, or a rate's next window may let one
        in; None when there is none. A slot that is full has no such time: it is freed by an append, which wakes."""

    async def depth(self) -> QueueDepth:
        """Counts over all tenants."""

    async def woken(self, timeout: float) -> None:
        """Returns when a run may have become claimable, or after `timeout` seconds. A hint: it may come late or for nothing."""

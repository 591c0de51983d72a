"""What a worker claims, and what it must not: nothing beside a run that may take the worker down, nothing that it does not hear of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from application.drive import Drive
from domain.errors import DatabaseError
from domain.ids import Position, WorkerId
from domain.ports.journal import Lease
from domain.ports.queue import Claim, RunQueue
from domain.run.terms import DELIVERIES

log = structlog.get_logger("application.worker")


@dataclass(slots=True)
class Claiming:
    worker: WorkerId
    queue: RunQueue
    lease_seconds: float
    leases: set[Lease] = field(default_factory=set)
    """Of every run in hand, those still being loaded among them."""
    at_risk: dict[Lease, Position] = field(default_factory=dict)
    """Runs whose last delivery was begun, and where their journal ended at the claim."""
    is_unsure: bool = False
    """The queue may say of runs that this worker has them, and it does not."""

    async def claim(self, room: int) -> Sequence[Claim]:
        """Up to `room` runs, which are in hand now. What the queue says is this worker's and is not was either claimed with an answer
        that got lost, or could not be given back: it is first, as nobody would carry it until its lease lapsed, and the next worker would
        take it for a run that loses its workers."""
        await self.settle()
        try:
            claims = await self.queue.claim(self.worker, room, self.lease_seconds)
        except DatabaseError:
            self.is_unsure = True
            raise
        self.leases.update(claim.lease for claim in claims)  # now: the next thing to run here may hold the loop
        return await self._alone(claims)

    async def settle(self) -> None:
        """Give back what is not in hand."""
        if self.is_unsure:
            self.is_unsure = False
            await self._give_back()

    async def _alone(self, claims: Sequence[Claim]) -> Sequence[Claim]:
        """A run on its last delivery is begun alone: if it takes this worker down, it takes none of the others with it."""
        at_risk = next((claim for claim in claims if claim.deliveries == DELIVERIES), None)
        if at_risk is None:
            return claims
        self.leases.difference_update(claim.lease for claim in claims if claim is not at_risk)
        try:
            if len(claims) > 1:
                await self._give_back()
            is_ours = await self.queue.begin_last(at_risk.lease)
        except DatabaseError:
            self.let_go(at_risk.lease, given_back=False)
            raise
        if not is_ours:
            self.let_go(at_risk.lease)
            return ()
        self.at_risk[at_risk.lease] = at_risk.position
        return (at_risk,)

    async def _give_back(self) -> None:
        try:
            given = await self.queue.give_back(self.worker, list(self.leases))
        except DatabaseError:
            self.is_unsure = True
            raise
        log.info("runs given back", worker=self.worker, runs=given)

    def risks_others(self, drives: Mapping[Lease, Drive]) -> bool:
        """Is a run in hand with which every worker before was lost? Until it writes a row, no other is taken beside it."""
        found = ((drives.get(lease), position) for lease, position in self.at_risk.items())
        return any(drive is None or drive.durable == position for drive, position in found)

    def let_go(self, lease: Lease, *, given_back: bool = True) -> None:
        """It is not in hand any more. Not `given_back`, the queue does not know."""
        self.leases.discard(lease)
        self.at_risk.pop(lease, None)
        self.is_unsure = self.is_unsure or not given_back

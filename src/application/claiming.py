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
        """Up to `room` runs, which are in hand now. Whatever a lost answer said is given back first: nobody would carry such a run until
        its lease lapsed, and the next worker would take it for one that loses its workers."""
        if self.is_unsure:
            given = await self.queue.give_back(self.worker, list(self.leases))
            log.info("a claim's answer was lost", worker=self.worker, given_back=given)
        self.is_unsure = True
        claims = await self.queue.claim(self.worker, room, self.lease_seconds)
        self.leases.update(claim.lease for claim in claims)  # now: the next thing to run here may hold the loop
        try:
            kept = await self._one_at_risk(claims)
        except DatabaseError:
            self.leases.difference_update(claim.lease for claim in claims)
            raise
        self.is_unsure = False
        return kept

    async def _one_at_risk(self, claims: Sequence[Claim]) -> Sequence[Claim]:
        """Of runs on their last delivery only the first is begun: if it takes this worker down, it takes none of the others with it."""
        last = [claim for claim in claims if claim.deliveries == DELIVERIES]
        if not last:
            return claims
        begun = last[:1] if await self.queue.begin_last(last[0].lease) else []
        others = [claim for claim in last if claim not in begun]
        if others:
            self.leases.difference_update(claim.lease for claim in others)
            await self.queue.give_back(self.worker, list(self.leases))
        self.at_risk.update((claim.lease, claim.position) for claim in begun)
        return [claim for claim in claims if claim not in others]

    def risks_others(self, drives: Mapping[Lease, Drive]) -> bool:
        """Is a run in hand with which every worker before was lost? Until it writes a row, no other is taken beside it."""
        found = ((drives.get(lease), position) for lease, position in self.at_risk.items())
        return any(drive is None or drive.durable == position for drive, position in found)

    def let_go(self, lease: Lease) -> None:
        self.leases.discard(lease)
        self.at_risk.pop(lease, None)

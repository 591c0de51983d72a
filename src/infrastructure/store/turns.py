"""Whose turn it is. Each worker goes round the tenants that have something to do, in the order of their ids."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from domain.ids import TenantId, WorkerId
from domain.ports.queue import Claim

NOBODY = TenantId("")
"""Before every tenant."""


@dataclass(frozen=True, slots=True)
class Turns:
    """Kept per worker and not stored: a new one begins at the first tenant."""

    _last: dict[WorkerId, TenantId] = field(default_factory=dict)

    def last(self, worker: WorkerId) -> TenantId:
        return self._last.get(worker, NOBODY)

    def served(self, worker: WorkerId, claims: Sequence[Claim]) -> None:
        """What a claim took, in its order; runs that were taken over are nobody's turn."""
        taken = [claim.lease.tenant for claim in claims if not claim.taken_over]
        if taken:
            self._last[worker] = taken[-1]

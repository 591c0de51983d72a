"""The audit trail: deeds go in, and stay."""

from collections.abc import Sequence
from typing import Protocol

from domain.audit import AuditRecord, Deed
from domain.ids import TenantId


class AuditTrail(Protocol):
    def note(self, deed: Deed) -> None:
        """Will be durable soon (a quarter of a second at most, and before the process ends in order). Never blocks, never fails."""

    async def record(self, deed: Deed) -> None:
        """Durable when it returns, as is everything noted before; many at once share a commit. `DatabaseError` when it cannot be."""

    async def read(self, tenant: TenantId, after: int, limit: int) -> Sequence[AuditRecord]:
        """Records after a number, oldest first."""

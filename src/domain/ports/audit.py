"""The audit trail: deeds go in, and stay."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.audit import AuditRecord, Deed, Head, KeptRecord
from domain.ids import TenantId
from domain.ports.repositories import Page


@dataclass(frozen=True, slots=True)
class DeedFilter:
    """None: any. `since` is inside, `until` outside."""

    who: str | None = None
    action: str | None = None
    resource: str | None = None
    effect: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class AuditTrail(Protocol):
    @property
    def has_room(self) -> bool:
        """False: so much is noted already that whoever can wait had better `record`."""

    def note(self, deed: Deed) -> None:
        """Will be durable soon (a quarter of a second at most, and before the process ends in order). Never blocks, never fails."""

    async def record(self, deed: Deed) -> None:
        """Durable when it returns, as is everything noted before; many at once share a commit. `DatabaseError` when it cannot be."""

    async def read(self, tenant: TenantId, after: int, limit: int) -> Sequence[AuditRecord]:
        """Records after a number, oldest first."""


class AuditRecords(Protocol):
    """What is there is never changed and never removed. Every tenant has a chain of its own."""

    async def append(self, deeds: Sequence[Deed]) -> None:
        """All of them, each at the end of its tenant's chain, in this order; or none. Two at once, in whatever processes: one after the
        other. `RepositoryError` when a chain goes on behind what it calls its end, as it does after somebody has tampered with it."""

    async def head(self, tenant: TenantId) -> Head:
        """`START` when there is no record."""

    async def read(self, tenant: TenantId, after: int, limit: int) -> Sequence[KeptRecord]:
        """Records after a number, oldest first."""

    async def list(self, tenant: TenantId, wanted: DeedFilter, limit: int, cursor: str | None) -> Page[AuditRecord]:
        """Newest first."""

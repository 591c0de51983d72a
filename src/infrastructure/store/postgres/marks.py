"""Idempotency marks on PostgreSQL."""

from contextlib import suppress
from dataclasses import dataclass, field

from domain.errors import DatabaseError
from domain.ids import TenantId
from domain.ports.repositories import IdempotencyMark
from infrastructure.store.marks import FORGET, KNOWN, SETTLE, TAKE, Broom, forgetting, subject_of, taking
from infrastructure.store.reader import Reader
from infrastructure.store.rows import seconds

_FORGET = FORGET.format(unless_locked="FOR UPDATE SKIP LOCKED")


@dataclass(frozen=True, slots=True)
class PostgresMarks:
    reader: Reader
    broom: Broom = field(default_factory=Broom)

    async def known(self, tenant: TenantId, mark: IdempotencyMark) -> str | None:
        rows = await self.reader.rows(KNOWN, tenant, mark.key, seconds(mark.at))
        return subject_of(mark, rows[0]) if rows else None

    async def take(self, tenant: TenantId, mark: IdempotencyMark, subject: str) -> str:
        await self.tidy(mark)
        rows = await self.reader.rows(TAKE, *taking(tenant, mark, subject))
        return subject_of(mark, rows[0])

    async def settle(self, tenant: TenantId, mark: IdempotencyMark, subject: str) -> str:
        rows = await self.reader.rows(SETTLE, tenant, mark.key, mark.digest, subject)
        return subject_of(mark, rows[0]) if rows else subject

    async def tidy(self, mark: IdempotencyMark) -> None:
        """Drops some marks whose time is over, now and then. If it fails they wait for the next time: a database in trouble is told of by
        the request itself, which may well come through."""
        if self.broom.is_due():
            with suppress(DatabaseError):
                await self.reader.rows(_FORGET, *forgetting(mark.at))

"""Deeds of a process onto the audit trail: the heads of their tenants are locked, then everything goes in one statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from domain.audit import START, Head
from domain.errors import DatabaseError
from domain.ids import TenantId
from infrastructure.store.audit_rows import AUDIT_COLUMNS, Entry, chained
from infrastructure.store.postgres.connections import PostgresReader

# Locked in the order of the tenants, the new ones too: two processes never wait for each other.
_ENDS: Final = f"""INSERT INTO audit_heads AS h (tenant, number, digest)
    SELECT tenant, {START.number}, '{START.digest}' FROM unnest($1::text[]) AS t(tenant) ORDER BY tenant COLLATE "C"
    ON CONFLICT (tenant) DO UPDATE SET number = h.number
    RETURNING h.tenant, h.number, h.digest, (SELECT max(a.number) FROM audit a WHERE a.tenant = h.tenant)"""  # noqa: S608 - no value in it
_TYPES: Final = ("text", "int8", "float8", "text", "text", "text", "text", "bytea", "text")
_ROWS: Final = ", ".join(f"${place}::{kind}[]" for place, kind in enumerate(_TYPES, 1))
_APPEND: Final = f"""WITH moved AS (
    UPDATE audit_heads h SET number = w.number, digest = w.digest
    FROM unnest($10::text[], $11::int8[], $12::text[]) AS w(tenant, number, digest) WHERE h.tenant = w.tenant
) INSERT INTO audit ({AUDIT_COLUMNS}) SELECT * FROM unnest({_ROWS})"""  # noqa: S608 - no value in it

_LOCK: Final = "SELECT FROM audit_heads WHERE tenant = $1 FOR UPDATE"
_IS_THERE: Final = "SELECT EXISTS (SELECT FROM audit WHERE tenant = $1 AND number = $2 AND digest = $3)"


@dataclass(frozen=True, slots=True)
class PostgresDeeds:
    """An `infrastructure.store.audit.Append`."""

    database: PostgresReader

    async def __call__(self, entries: Sequence[Entry]) -> None:
        sent: dict[TenantId, Head] = {}
        try:
            await self._append(entries, sent)
        except DatabaseError:
            if not sent or not await self._stands(*next(iter(sent.items()))):
                raise

    async def _append(self, entries: Sequence[Entry], sent: dict[TenantId, Head]) -> None:
        """Puts the new heads into `sent` before it asks to commit: from then on a lost answer may have been a yes."""
        tenants = sorted({entry.deed.tenant for entry in entries})
        async with self.database.transaction() as connection:
            ends = {tenant: end for tenant, *end in await connection.fetch(_ENDS, tenants)}
            rows, heads = chained(entries, ends)
            moved = [(tenant, head.number, head.digest) for tenant, head in heads.items()]
            await connection.execute(_APPEND, *map(list, zip(*rows, strict=True)), *map(list, zip(*moved, strict=True)))
            sent |= heads

    async def _stands(self, tenant: TenantId, head: Head) -> bool:
        """Is this record there? Asked behind the lock of its head, where no commit is under way any more."""
        try:
            async with self.database.transaction() as connection:
                await connection.execute(_LOCK, tenant)
                return bool(await connection.fetchval(_IS_THERE, tenant, head.number, head.digest))
        except DatabaseError:
            return False  # whoever asked is told of the first one

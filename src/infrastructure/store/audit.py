"""The audit trail in a database: what both say alike about reading it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from domain.audit import START, AuditRecord, Deed, Head, KeptRecord
from domain.errors import ValidationError
from domain.ids import TenantId
from domain.ports.audit import DeedFilter
from domain.ports.repositories import Page
from infrastructure.store.audit_rows import AUDIT_COLUMNS, Entry, entry_of, kept_of
from infrastructure.store.cursor import pack, unpack
from infrastructure.store.reader import Reader
from infrastructure.store.rows import seconds

Append: TypeAlias = Callable[[Sequence[Entry]], Awaitable[None]]
"""One transaction."""
BIGGEST: Final = 2**63 - 1
_READ = f"SELECT {AUDIT_COLUMNS} FROM audit WHERE tenant = $1 AND number > $2 ORDER BY number LIMIT $3"  # noqa: S608 - no value in it
_HEAD = "SELECT number, digest FROM audit_heads WHERE tenant = $1"


@dataclass(frozen=True, slots=True)
class KeptAudit:
    """`domain.ports.audit.AuditRecords`."""

    reader: Reader
    write: Append

    async def append(self, deeds: Sequence[Deed]) -> None:
        if deeds:
            await self.write([entry_of(deed) for deed in deeds])

    async def head(self, tenant: TenantId) -> Head:
        rows = await self.reader.rows(_HEAD, tenant)
        return Head(*rows[0]) if rows else START

    async def read(self, tenant: TenantId, after: int, limit: int) -> Sequence[KeptRecord]:
        return [kept_of(row) for row in await self.reader.rows(_READ, tenant, after, limit)]

    async def list(self, tenant: TenantId, wanted: DeedFilter, limit: int, cursor: str | None) -> Page[AuditRecord]:
        before = BIGGEST if cursor is None else number_of(cursor)
        asked = _conditions(wanted)
        where = "".join(f" AND {condition} ${place}" for place, (condition, _) in enumerate(asked, 4))
        statement = f"SELECT {AUDIT_COLUMNS} FROM audit WHERE tenant = $1 AND number < $2{where} ORDER BY number DESC LIMIT $3"  # noqa: S608 - as above
        rows = await self.reader.rows(statement, tenant, before, limit + 1, *(value for _, value in asked))
        return page_of([kept_of(row).record for row in rows], limit)


def page_of(records: Sequence[AuditRecord], limit: int) -> Page[AuditRecord]:
    """One record more than asked says that there is another page."""
    shown = tuple(records[:limit])
    return Page(shown, pack([str(shown[-1].number)]) if shown and len(records) > limit else None)


def number_of(cursor: str) -> int:
    (number,) = unpack(cursor, 1)
    if not number.isdecimal() or len(number) >= len(str(BIGGEST)):
        raise ValidationError("this cursor is not one that this list gave out: leave it away to start from the first page")
    return int(number)


def _conditions(wanted: DeedFilter) -> list[tuple[str, object]]:
    texts = (("who =", wanted.who), ("action =", wanted.action), ("resource =", wanted.resource), ("effect =", wanted.effect))
    times = (("at >=", wanted.since), ("at <", wanted.until))
    found: list[tuple[str, object]] = [(condition, value) for condition, value in texts if value is not None]
    return [*found, *((condition, seconds(at)) for condition, at in times if at is not None)]

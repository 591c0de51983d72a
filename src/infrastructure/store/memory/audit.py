"""The audit trail, in memory: kept as rows, so that whoever tests it may tamper with them."""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.audit import START, AuditRecord, Deed, Head, KeptRecord
from domain.ids import TenantId
from domain.ports.audit import DeedFilter
from domain.ports.repositories import Page
from infrastructure.store.audit import BIGGEST, number_of, page_of
from infrastructure.store.audit_rows import chained, entry_of, kept_of
from infrastructure.store.memory.book import Book


@dataclass(frozen=True, slots=True)
class MemoryAudit:
    book: Book

    async def append(self, deeds: Sequence[Deed]) -> None:
        entries = [entry_of(deed) for deed in deeds]
        rows, heads = chained(entries, {entry.deed.tenant: self._end(entry.deed.tenant) for entry in entries})
        for row in rows:
            self.book.audit.setdefault(row[0], {})[row[1]] = row
        self.book.audit_heads |= heads

    async def head(self, tenant: TenantId) -> Head:
        return self.book.audit_heads.get(tenant, START)

    async def read(self, tenant: TenantId, after: int, limit: int) -> Sequence[KeptRecord]:
        numbers = range(after + 1, after + 1 + limit)
        rows = self.book.audit.get(tenant, {})
        return [kept_of(rows[number]) for number in numbers if number in rows]

    async def list(self, tenant: TenantId, wanted: DeedFilter, limit: int, cursor: str | None) -> Page[AuditRecord]:
        before = BIGGEST if cursor is None else number_of(cursor)
        rows = reversed(self.book.audit.get(tenant, {}).values())
        records = (kept_of(row).record for row in rows if row[1] < before)
        return page_of([record for record in records if _fits(record.deed, wanted)][: limit + 1], limit)

    def _end(self, tenant: TenantId) -> Sequence[object]:
        head = self.book.audit_heads.get(tenant, START)
        return head.number, head.digest, next(reversed(self.book.audit.get(tenant, {})), 0)


def _fits(deed: Deed, wanted: DeedFilter) -> bool:
    asked = ((deed.who, wanted.who), (deed.action, wanted.action), (deed.resource, wanted.resource), (deed.effect, wanted.effect))
    return (
        all(value in (None, there) for there, value in asked)
        and (wanted.since is None or deed.at >= wanted.since)
        and (wanted.until is None or deed.at < wanted.until)
    )

"""Idempotency marks, in memory."""

from dataclasses import dataclass

from domain.ids import TenantId
from domain.ports.repositories import IdempotencyMark
from infrastructure.store.marks import refuse_another
from infrastructure.store.memory.book import Book


@dataclass(frozen=True, slots=True)
class MemoryMarks:
    book: Book

    async def known(self, tenant: TenantId, mark: IdempotencyMark) -> str | None:
        return marked(self.book, tenant, mark)

    async def take(self, tenant: TenantId, mark: IdempotencyMark, subject: str) -> str:
        found = marked(self.book, tenant, mark)
        if found is None:
            self.book.remember(tenant, mark, subject)
            return subject
        return found

    async def settle(self, tenant: TenantId, mark: IdempotencyMark, subject: str) -> str:
        known, found = self.book.marks.get((tenant, mark.key), (mark, subject))
        if not found and known.digest == mark.digest:
            self.book.marks[tenant, mark.key] = (known, subject)
        return found or subject


def marked(book: Book, tenant: TenantId, mark: IdempotencyMark) -> str | None:
    """The subject of a key that came within its time; `IdempotencyConflict` when it came with another digest."""
    known, subject = book.marks.get((tenant, mark.key), (None, None))
    if known is None or book.is_over(known, mark.at):
        return None
    refuse_another(mark, known.digest)
    return subject

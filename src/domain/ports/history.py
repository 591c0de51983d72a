"""The history, as it is kept and asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.history import HistoryRecord, RecordType
from domain.ids import RunId, SessionId, TenantId
from domain.ports.repositories import Page


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """None: any. The times bound `timestamp`: from `since` on, before `until`. `text`: a part of what was said, in capitals or not."""

    record_type: RecordType | None = None
    run: RunId | None = None
    session: SessionId | None = None
    model: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None


class HistoryRepository(Protocol):
    async def save(self, records: Sequence[HistoryRecord]) -> None:
        """Keep records of the types that are `WRITTEN`. One that is there already stays as it is: saving again changes nothing."""

    async def query(self, tenant: TenantId, wanted: HistoryQuery, limit: int, cursor: str | None) -> Page[HistoryRecord]:
        """Newest first. With `text` a page looks at so many records at most, and may then be shorter than `limit`, or empty, and still
        have a next one."""

    async def forget(self, before: datetime, limit: int) -> int:
        """Remove up to `limit` saved records older than that, the oldest first; how many there were. What is read from the ledger and from
        runs goes with those."""

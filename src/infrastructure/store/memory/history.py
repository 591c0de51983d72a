"""The history, in memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.derived_history import cost_of, execution_of, tokens_of
from domain.history import HistoryRecord
from domain.ids import TenantId
from domain.ports.history import HistoryQuery
from domain.ports.repositories import Page
from domain.run.run import Run
from infrastructure.store.history_rows import PLACES, Ends, Found, ends_of, folded, most_of, page_of, places_of, words_of
from infrastructure.store.memory.book import Book


@dataclass(frozen=True, slots=True)
class MemoryHistory:
    book: Book

    async def save(self, records: Sequence[HistoryRecord]) -> None:
        for record in records:
            self.book.history.setdefault((record.tenant, record.timestamp, record.id), record)

    async def query(self, tenant: TenantId, wanted: HistoryQuery, limit: int, cursor: str | None) -> Page[HistoryRecord]:
        ends, most = ends_of(cursor), most_of(wanted, limit)
        found = [one for place in places_of(wanted) for one in self._of(place, tenant, wanted, ends)[: most + 1]]
        return page_of(found, limit, most, ends)

    async def forget(self, before: datetime, limit: int) -> int:
        old = sorted(key for key in self.book.history if key[1] < before)[:limit]
        for key in old:
            del self.book.history[key]
        return len(old)

    def _of(self, place: str, tenant: TenantId, wanted: HistoryQuery, ends: Ends) -> list[Found]:
        found = [one for one in self._all(place, tenant) if one.record is not None and _fits(one.record, wanted)]
        found.sort(key=_order, reverse=True)
        end = ends.get(place)
        behind = found if end is None else [one for one in found if _order(one) < (end[0], _key(place, end[1]))]
        return [one if _says(one.record, wanted.text) else Found(place, one.at, one.key, None) for one in behind]

    def _all(self, place: str, tenant: TenantId) -> Iterator[Found]:
        if place == PLACES[0]:
            records = (record for (owner, _, _), record in self.book.history.items() if owner == tenant)
            yield from (Found(place, record.timestamp.timestamp(), record.id, record) for record in records)
        elif place == PLACES[3]:
            yield from (_ended(run) for run in self.book.runs.values() if run.tenant == tenant and run.ended_at is not None)
        else:
            yield from self._lines(place, tenant)

    def _lines(self, place: str, tenant: TenantId) -> Iterator[Found]:
        lines = (line for lines in self.book.usage.values() for line in lines.values())
        for number, line in enumerate(lines):
            is_shown = line.state.is_charged and (place == PLACES[2] or line.usage.total_tokens > 0)
            if line.tenant == tenant and is_shown:
                yield Found(place, line.at, str(number), tokens_of(line) if place == PLACES[1] else cost_of(line))


def _ended(run: Run) -> Found:
    record = execution_of(run)
    return Found(PLACES[3], record.timestamp.timestamp(), run.id, record)


def _order(one: Found) -> tuple[float, int | str]:
    return one.at, _key(one.place, one.key)


def _key(place: str, key: str) -> int | str:
    return int(key) if place in PLACES[1:3] else key


def _fits(record: HistoryRecord, wanted: HistoryQuery) -> bool:
    asked = (
        (record.record_type, wanted.record_type),
        (record.run, wanted.run),
        (record.session_id, wanted.session),
        (record.model, wanted.model),
    )
    return (
        all(value in (None, there) for there, value in asked)
        and (wanted.since is None or record.timestamp >= wanted.since)
        and (wanted.until is None or record.timestamp < wanted.until)
    )


def _says(record: HistoryRecord | None, text: str | None) -> bool:
    return text is None or (record is not None and folded(text) in words_of(record))

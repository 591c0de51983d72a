"""The history in a database: what both say alike about reading it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from domain.derived_history import cost_of, execution_of, tokens_of
from domain.history import HistoryRecord, RecordType
from domain.ids import TenantId
from domain.ports.history import HistoryQuery
from domain.ports.repositories import Page
from infrastructure.store.filling import bodies_of_runs, filled
from infrastructure.store.history_asking import Asking
from infrastructure.store.history_rows import PLACES, Found, ends_of, history_row, most_of, page_of, places_of, record_of
from infrastructure.store.reader import Reader
from infrastructure.store.rows import Row, run_of, seconds
from infrastructure.store.usage_rows import usage_of

Save: TypeAlias = Callable[[Sequence[Row]], Awaitable[None]]
"""Rows of `HISTORY_COLUMNS`, in one transaction; those that are there already stay."""
Forget: TypeAlias = Callable[[float, int], Awaitable[int]]
"""So many of those before a time; how many there were."""


@dataclass(frozen=True, slots=True)
class KeptHistory:
    """`domain.ports.history.HistoryRepository`."""

    reader: Reader
    write: Save
    remove: Forget

    async def save(self, records: Sequence[HistoryRecord]) -> None:
        if records:
            await self.write([history_row(record) for record in records])

    async def query(self, tenant: TenantId, wanted: HistoryQuery, limit: int, cursor: str | None) -> Page[HistoryRecord]:
        ends, most = ends_of(cursor), most_of(wanted, limit)
        found: list[Found] = []
        for place in places_of(wanted):
            asking = Asking(tenant, wanted, most + 1, ends.get(place))
            statement = asking.statement(place)
            found += [_found(place, row) for row in await self.reader.rows(statement, *asking.values)]
        return page_of(found, limit, most, ends)

    async def forget(self, before: datetime, limit: int) -> int:
        return await self.remove(seconds(before), limit)


class _Nowhere(dict[str, bytes]):
    """Large values are not read: what a run was given is not in its record."""

    def __missing__(self, name: str) -> bytes:
        return b"null"


def _found(place: str, row: Row) -> Found:
    if place == PLACES[0]:
        return Found(place, row[1], row[2], None if row[8] is None else record_of(row))
    if place == RecordType.WORKFLOW_EXECUTION:
        run = run_of(filled([row], bodies_of_runs(), _Nowhere())[0])
        return Found(place, row[8], run.id, execution_of(run))
    line = usage_of(row[:-1])
    return Found(place, line.at, str(row[-1]), tokens_of(line) if place == RecordType.TOKEN_USAGE else cost_of(line))

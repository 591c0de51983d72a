"""What lines of the ledger come to: whole days from the sums that are kept of them, parts of days from the lines themselves."""

# ruff: noqa: S608 - statements are put together from names that stand in this folder; values are parameters

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from domain.ids import TenantId
from domain.tally import Aspect, Spent, Tally, UsageFilter, day_named, in_order, of_limbs
from domain.usage import DAY_SECONDS, UsageState
from infrastructure.store.reader import Reader
from infrastructure.store.rows import Row

_COLUMNS: Final = {aspect: "user_id" if aspect is Aspect.USER else aspect.value for aspect in Aspect}
_OF_SESSIONS: Final = frozenset({Aspect.SESSION, Aspect.USER})
_TALLIED: Final = ("calls", "prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens", "unknown", "estimated")
_COST: Final = ("cost_whole", "cost_nano", "cost_atto")
_CHARGED: Final = ", ".join(f"'{state}'" for state in UsageState if state.is_charged)
_OF_A_LINE: Final = {
    "calls": "1",
    "unknown": "CASE WHEN state = 'unknown' THEN 1 ELSE 0 END",
    "estimated": "CASE WHEN estimated THEN 1 ELSE 0 END",
}


@dataclass(frozen=True, slots=True)
class KeptSums:
    """`UsageSums`."""

    reader: Reader

    async def grouped(self, tenant: TenantId, by: tuple[Aspect, ...], wanted: UsageFilter, most: int) -> Sequence[Spent]:
        asked = _Asked(tenant, by)
        parts = list(asked.parts(wanted))
        if not parts:
            return ()
        key = ", ".join([*asked.columns, "currency"])
        # PostgreSQL's sums of whole numbers are of any length, which takes longer to send and to read than they took to sum.
        sums = ", ".join(f"CAST(sum({name}) AS BIGINT)" for name in (*_TALLIED, *_COST))
        # Materialized: readers of PostgreSQL avoid sorts, and one of all rows would come before one of the groups.
        grouped = f"SELECT {key}, {sums} FROM ({' UNION ALL '.join(parts)}) AS part GROUP BY {key} HAVING sum(calls) <> 0"
        statement = f"WITH grouped AS MATERIALIZED ({grouped}) SELECT * FROM grouped ORDER BY {key} LIMIT {int(most)}"
        rows = await self.reader.rows(statement, *asked.values)
        return in_order(_spent(row, by) for row in rows)


@dataclass(slots=True)
class _Asked:
    """One question on its way to SQL. `values`: of its parameters, in order."""

    tenant: TenantId
    by: tuple[Aspect, ...]
    values: list[object] = field(default_factory=list)

    @property
    def columns(self) -> list[str]:
        return [_COLUMNS[aspect] for aspect in self.by]

    def parts(self, wanted: UsageFilter) -> Iterator[str]:
        """Each a selection; together they hold every line that is asked for once."""
        if wanted.run is not None:
            yield self._lines(wanted)
            return
        first = None if wanted.since is None else math.ceil(wanted.since / DAY_SECONDS)
        behind = None if wanted.until is None else math.floor(wanted.until / DAY_SECONDS)
        if first is not None and behind is not None and first > behind:  # within one day
            yield self._lines(wanted)
            return
        if first is not None and first * DAY_SECONDS != wanted.since:
            yield self._lines(replace(wanted, until=float(first * DAY_SECONDS)))
        yield self._days(first, behind, wanted)
        if behind is not None and behind * DAY_SECONDS != wanted.until:
            yield self._lines(replace(wanted, since=float(behind * DAY_SECONDS)))

    def _days(self, first: int | None, behind: int | None, wanted: UsageFilter) -> str:
        of_sessions = _OF_SESSIONS & {*self.by, *wanted.words()}
        conditions = [*self._words(wanted), *self._bounds("day", first, behind)]
        return self._selection("usage_sessions" if of_sessions else "usage_days", {}, conditions)

    def _lines(self, wanted: UsageFilter) -> str:
        conditions = [f"state IN ({_CHARGED})", *self._words(wanted), *self._bounds("at", wanted.since, wanted.until)]
        if wanted.run is not None:
            conditions.append(f"run = {self._parameter(wanted.run)}")
        return self._selection("usage", {**_OF_A_LINE, "currency": "coalesce(currency, '')"}, conditions)

    def _selection(self, table: str, said: dict[str, str], conditions: list[str]) -> str:
        shown = (f"{said[name]} AS {name}" if name in said else name for name in (*self.columns, "currency", *_TALLIED, *_COST))
        return f"SELECT {', '.join(shown)} FROM {table} WHERE {' AND '.join(conditions)}"

    def _words(self, wanted: UsageFilter) -> Iterator[str]:
        yield f"tenant = {self._parameter(self.tenant)}"
        for aspect, word in wanted.words().items():
            yield f"{_COLUMNS[aspect]} = {self._parameter(word)}"

    def _bounds(self, column: str, since: float | None, until: float | None) -> Iterator[str]:
        if since is not None:
            yield f"{column} >= {self._parameter(since)}"
        if until is not None:
            yield f"{column} < {self._parameter(until)}"

    def _parameter(self, value: object) -> str:
        self.values.append(value)
        return f"${len(self.values)}"


def _spent(row: Row, by: tuple[Aspect, ...]) -> Spent:
    currency, *numbers = row[len(by) :]
    key = tuple(day_named(said) if aspect is Aspect.DAY else said for aspect, said in zip(by, row[: len(by)], strict=True))
    *counts, whole, nano, atto = numbers
    return Spent(key, currency or None, Tally(*[*counts, of_limbs(whole, nano, atto)]))

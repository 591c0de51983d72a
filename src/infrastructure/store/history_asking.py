"""Statements that read the history from where it is. `$1, $2` for their values, as both databases take them."""

# ruff: noqa: S608 - statements are put together from names that stand in this folder; values are parameters

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from domain.ids import TenantId
from domain.ports.history import HistoryQuery
from infrastructure.store.history_rows import HISTORY_COLUMNS, PLACES, folded
from infrastructure.store.rows import RUN_COLUMNS, seconds
from infrastructure.store.usage_rows import USAGE_COLUMNS

_WRITTEN, _TOKENS, _, _RUNS = PLACES
_READ: Final = HISTORY_COLUMNS.replace(" words,", "")
_IF_FOUND: Final = _READ.removesuffix("data")
_MEANT: Final = "\\%_"


@dataclass(slots=True)
class Asking:
    """One page of one place, newest first. `end`: the time and key of the record before it."""

    tenant: TenantId
    wanted: HistoryQuery
    most: int
    end: tuple[float, str] | None = None
    values: list[object] = field(default_factory=list)

    def statement(self, place: str) -> str:
        """To be run with `values`."""
        if place == _WRITTEN:
            return self._of_what_was_written()
        return self._of_runs() if place == _RUNS else self._of_lines(place)

    def _of_what_was_written(self) -> str:
        """With a text, what was said is read only of those that have it."""
        kind, text = self.wanted.record_type, self.wanted.text
        of_type = "" if kind is None else f" AND type = {self._value(kind.value)}"
        where = f"{self._mine()}{of_type}{self._named()}{self._behind('at', 'id')}"
        rest = f"FROM history WHERE {where} ORDER BY at DESC, id DESC LIMIT {self._value(self.most)}"
        if text is None:
            return f"SELECT {_READ} {rest}"
        has = f"words LIKE {self._value(_pattern(text))} ESCAPE '\\'"
        return f"SELECT {_IF_FOUND} CASE WHEN {has} THEN data END FROM (SELECT {HISTORY_COLUMNS} {rest}) w"

    def _of_lines(self, place: str) -> str:
        columns, others = f"{USAGE_COLUMNS}, number", " AND state IN ('counted', 'unknown')"
        others += " AND prompt_tokens + completion_tokens > 0" if place == _TOKENS else ""
        others += " AND session <> ''" if self.wanted.session is not None else ""  # as its index says
        few = [] if self.wanted.run is None else [f"run = {self._value(self.wanted.run)}"]
        begin, source = _found_first(columns, "usage", few)
        where = f"{self._mine()}{others}{self._named()}{self._behind('at', 'number')}"
        return f"{begin}SELECT {columns} FROM {source} WHERE {where} ORDER BY at DESC, number DESC LIMIT {self._value(self.most)}"

    def _of_runs(self) -> str:
        few = [] if self.wanted.run is None else [f"id = {self._value(self.wanted.run)}"]
        if self.wanted.session is not None:
            few.append(f"thread IN (SELECT id FROM threads WHERE session = {self._value(self.wanted.session)})")
        begin, source = _found_first(RUN_COLUMNS, "runs", few)
        where = f"{self._mine()} AND ended_at IS NOT NULL{self._behind('ended_at', 'id')}"
        return f"{begin}SELECT {RUN_COLUMNS} FROM {source} WHERE {where} ORDER BY ended_at DESC, id DESC LIMIT {self._value(self.most)}"

    def _mine(self) -> str:
        return f"tenant = {self._value(self.tenant)}"

    def _named(self) -> str:
        wanted = (("run", self.wanted.run), ("session", self.wanted.session), ("model", self.wanted.model))
        return "".join(f" AND {column} = {self._value(value)}" for column, value in wanted if value is not None)

    def _behind(self, time: str, key: str) -> str:
        return "".join(self._bounds(time, key))

    def _bounds(self, time: str, key: str) -> Iterator[str]:
        if self.wanted.since is not None:
            yield f" AND {time} >= {self._value(seconds(self.wanted.since))}"
        if self.wanted.until is not None:
            yield f" AND {time} < {self._value(seconds(self.wanted.until))}"
        if self.end is not None:
            at, last = self.end
            yield f" AND ({time}, {key}) < ({self._value(at)}, {self._value(int(last) if key == 'number' else last)})"

    def _value(self, value: object) -> str:
        self.values.append(value)
        return f"${len(self.values)}"


def _found_first(columns: str, table: str, few: Sequence[str]) -> tuple[str, str]:
    """What goes before a statement, and where it reads from. `few`: conditions that few rows fulfil; no database is to walk everything of a
    tenant instead, only because that comes in order."""
    if not few:
        return "", table
    return f"WITH mine AS MATERIALIZED (SELECT {columns} FROM {table} WHERE {' AND '.join(few)}) ", "mine"


def _pattern(text: str) -> str:
    return "%" + "".join(f"\\{sign}" if sign in _MEANT else sign for sign in folded(text)) + "%"

"""One statement, rows back. What both databases say alike is written once, for `$1, $2` and the words of `Dialect`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from infrastructure.store.rows import Row


@dataclass(frozen=True, slots=True)
class Dialect:
    """`now`: SQL for seconds since the epoch. `members`: SQL for a list that stands after `IN`, with `{}` for its parameter. `text`: SQL
    for a body as text, with `{}` for its column."""

    now: str
    members: str
    text: str

    def spell(self, statement: str) -> str:
        """A statement with `{now}`, `{members:$1}` and `{text:column}` written for this database."""
        return statement.format(now=self.now, members=_Form(self.members), text=_Form(self.text))


@dataclass(frozen=True, slots=True)
class _Form:
    form: str

    def __format__(self, parameter: str) -> str:
        return self.form.format(parameter)


class Reader(Protocol):
    """Reads see what was committed when they began. `DatabaseError` when the database does not answer."""

    @property
    def dialect(self) -> Dialect: ...

    async def rows(self, statement: str, *values: object) -> Sequence[Row]: ...

    async def few(self, statement: str, *values: object) -> Sequence[Row]:
        """The same for a few rows found by a key, which must come fast."""

    def members(self, values: Sequence[str]) -> object:
        """A list as the parameter that `Dialect.members` expects."""


# A run may be taken when it holds its thread, or nobody does and none before it in its line (on its thread, or on one in sequence with it)
# is unfinished.
MAY_GO = """(h.run = q.run OR (h.run IS NULL AND NOT EXISTS (
    SELECT 1 FROM queue elder WHERE elder.line = q.line AND elder.number < q.number)))"""
# Of those that nobody holds; what is far in the future is behind the first condition, and need not be looked at.
DUE = f"q.worker IS NULL AND q.due_at - q.head_start <= {{now}} AND q.due_at <= {{now}} AND {MAY_GO}"
LAPSED = f"q.worker IS NOT NULL AND q.until <= {{now}} AND {MAY_GO}"

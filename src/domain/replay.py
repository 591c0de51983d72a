"""What came of a run, and what came of it when it was played again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from domain.cassette import in_reading_order
from domain.change import Change, difference
from domain.json import Json

_LAST: Final = 1 << 60


@dataclass(frozen=True, slots=True)
class Came:
    """`path`: the visits, as `visits_in_order` gives them. `error`: the code, "" for none. `cost`: of the calls whose price is known;
    `unpriced`: how many have none."""

    status: str
    path: tuple[str, ...]
    output: Json
    error: str = ""
    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: Decimal = Decimal(0)
    currency: str = "USD"
    unpriced: int = 0

    @property
    def told(self) -> tuple[int, int]:
        return self.prompt_tokens, self.completion_tokens

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    @property
    def spent(self) -> tuple[Decimal, str, int]:
        return self.cost, self.currency, self.unpriced


@dataclass(frozen=True, slots=True)
class Compared:
    before: Came
    after: Came

    @property
    def same_path(self) -> bool:
        return self.before.path == self.after.path

    @property
    def same_output(self) -> bool:
        return not self.output_changes

    @property
    def same_tokens(self) -> bool:
        return self.before.told == self.after.told

    @property
    def same_cost(self) -> bool:
        return self.before.spent == self.after.spent

    @property
    def same_ending(self) -> bool:
        return (self.before.status, self.before.error) == (self.after.status, self.after.error)

    @property
    def same(self) -> bool:
        return self.same_path and self.same_output and self.same_tokens and self.same_cost and self.same_ending

    @property
    def output_changes(self) -> tuple[Change, ...]:
        return difference(self.before.output, self.after.output)


@dataclass(frozen=True, slots=True)
class Visit:
    """`position`: of the row that ended it; `consumed`: of the rows that started it, which all come before."""

    at: str
    position: int
    consumed: tuple[int, ...] = ()


def in_order(visits: Sequence[Visit]) -> tuple[str, ...]:
    """As one thing led to another, those side by side by their names: the order of two branches in a journal is an accident. What happened
    inside a visit follows it."""
    ranks: dict[str, int] = {}
    by_row: dict[int, int] = {}
    for visit in sorted(visits, key=lambda visit: visit.position):
        ranks[visit.at] = by_row[visit.position] = 1 + max((by_row.get(position, 0) for position in visit.consumed), default=0)
    return tuple(visit.at.strip("/") for visit in sorted(visits, key=lambda visit: _place(visit.at, ranks)))


def _place(at: str, ranks: Mapping[str, int]) -> list[tuple[int, tuple[tuple[int, str], ...]]]:
    """Of each visit that it lies in, outermost first: how far down its frame's causes, and its name."""
    found, path = [], ""
    for step in at.strip("/").split("/"):
        path += f"/{step}"
        visit = path.rpartition("[")[0] if path.endswith("]") else path
        found.append((ranks.get(visit, _LAST), in_reading_order(step)))
    return found

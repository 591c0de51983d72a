"""What many calls used together, exactly, by what they have in common."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final

from domain.ids import RunId
from domain.usage import Money, UsageRow, UsageState

_EPOCH: Final = date(1970, 1, 1).toordinal()
_PLACES: Final = 18
_LIMB: Final = 10**9


class Aspect(StrEnum):
    """What calls may be grouped by. `DAY`: of UTC, as 2026-05-04."""

    DAY = "day"
    WORKFLOW = "workflow"
    NODE = "node"
    MODEL = "model"
    PROMPT = "prompt"
    SESSION = "session"
    USER = "user"


@dataclass(frozen=True, slots=True)
class UsageFilter:
    """Times in seconds since the epoch: from `since` on, before `until`. A word must be the whole of what the line says; None: any."""

    since: float | None = None
    until: float | None = None
    workflow: str | None = None
    node: str | None = None
    model: str | None = None
    prompt: str | None = None
    session: str | None = None
    user: str | None = None
    run: RunId | None = None

    def words(self) -> dict[Aspect, str]:
        """What it asks for, by aspect."""
        said = {aspect: getattr(self, aspect) for aspect in Aspect if aspect is not Aspect.DAY}
        return {aspect: word for aspect, word in said.items() if word is not None}


@dataclass(frozen=True, slots=True)
class Tally:
    """Of calls that are charged in one currency, or have no known price. `unknown`: those that are charged what was reserved for them;
    `estimated`: those whose tokens we counted ourselves. `attos`: their cost in 10**-18 of the currency."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    unknown: int = 0
    estimated: int = 0
    attos: int = 0

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(*(mine + its for mine, its in zip(self.counts(), other.counts(), strict=True)))

    def counts(self) -> tuple[int, ...]:
        about = (self.calls, self.prompt_tokens, self.completion_tokens, self.cached_tokens, self.reasoning_tokens)
        return (*about, self.unknown, self.estimated, self.attos)

    @classmethod
    def of(cls, row: UsageRow) -> "Tally":
        """Of one line, which is charged."""
        used, cost = row.usage, row.usage.cost
        tokens = (used.prompt_tokens, used.completion_tokens, used.cached_tokens, used.reasoning_tokens)
        return cls(1, *tokens, int(row.state is UsageState.UNKNOWN), int(used.estimated), attos_of(cost.amount) if cost else 0)


@dataclass(frozen=True, slots=True)
class Spent:
    """`key`: one text for each aspect that was asked for. `currency` None: calls whose price is unknown."""

    key: tuple[str, ...]
    currency: str | None
    tally: Tally

    @property
    def cost(self) -> Money | None:
        return None if self.currency is None else Money(amount_of(self.tally.attos), self.currency)


def day_named(day: int) -> str:
    """`day`: counted from the epoch."""
    return date.fromordinal(_EPOCH + day).isoformat()


def attos_of(amount: Decimal) -> int:
    """In whole attos; what is finer is rounded, half of one to the even side."""
    sign, digits, exponent = amount.as_tuple()
    assert isinstance(exponent, int), "money is a number"
    number, places = int("".join(map(str, digits))), exponent + _PLACES
    whole = number * 10**places if places >= 0 else _halved(number, 10**-places)
    return -whole if sign else whole


def _halved(number: int, by: int) -> int:
    whole, rest = divmod(number, by)
    return whole + (2 * rest > by or (2 * rest == by and whole % 2 == 1))


def amount_of(attos: int) -> Decimal:
    """Exact, however many digits it has."""
    return Decimal((int(attos < 0), tuple(map(int, str(abs(attos)))), -_PLACES))


def limbs_of(attos: int) -> tuple[int, int, int]:
    """Whole, nano and atto parts. Each column of a thousand million rows can be summed in 64 bits."""
    whole, rest = divmod(attos, _LIMB**2)
    return (whole, *divmod(rest, _LIMB))


def of_limbs(whole: int, nano: int, atto: int) -> int:
    """From parts of any size and sign, as sums have them."""
    return (whole * _LIMB + nano) * _LIMB + atto


def grouped(rows: Iterable[UsageRow], by: tuple[Aspect, ...]) -> list[Spent]:
    """Lines that are charged, in groups; in order of the groups' keys, without a price last."""
    tallies: dict[tuple[tuple[str, ...], str | None], Tally] = {}
    for row in rows:
        place = (tuple(said_of(row, aspect) for aspect in by), row.usage.cost.currency if row.usage.cost else None)
        tallies[place] = tallies.get(place, Tally()) + Tally.of(row)
    return in_order(Spent(key, currency, tally) for (key, currency), tally in tallies.items())


def in_order(spent: Iterable[Spent]) -> list[Spent]:
    return sorted(spent, key=lambda one: (one.key, one.currency is None, one.currency or ""))


def said_of(row: UsageRow, aspect: Aspect) -> str:
    match aspect:
        case Aspect.DAY:
            return day_named(row.day)
        case Aspect.MODEL:
            return row.usage.model
        case Aspect.PROMPT:
            return row.usage.prompt
        case _:
            return str(getattr(row, aspect))


def matches(row: UsageRow, wanted: UsageFilter) -> bool:
    """Is it charged, and what is asked for?"""
    if not row.state.is_charged or (wanted.run is not None and row.run != wanted.run):
        return False
    since, until = wanted.since, wanted.until
    in_time = (since is None or row.at >= since) and (until is None or row.at < until)
    return in_time and all(said_of(row, aspect) == word for aspect, word in wanted.words().items())

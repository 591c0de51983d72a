"""Tokens and money. Money is Decimal with a currency, never a float; an unknown price is unknown, never zero."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Context, Decimal
from enum import StrEnum
from functools import reduce
from typing import Final, TypeAlias

from domain.errors import TrackingError
from domain.ids import ActivationPath, Epoch, RunId, TenantId, ThreadId

_EXACT: Final = Context(prec=60)
"""Python's usual 28 digits would cut a cent's small parts off a large sum."""
_MOST: Final = Decimal(10) ** 15
PRICED_IN: Final = "USD"
"""The currency of every price that anybody can name."""


@dataclass(frozen=True, slots=True)
class Money:
    amount: Decimal
    currency: str = PRICED_IN

    def __post_init__(self) -> None:
        if not self.amount.is_finite() or abs(self.amount) >= _MOST:
            raise TrackingError(f"{self.amount} is no amount of money: it must be a number below {_MOST:,}")

    def __add__(self, other: "Money") -> "Money":
        if self.currency != other.currency:
            raise TrackingError(f"{self.currency} and {other.currency} cannot be summed")
        return Money(_EXACT.add(self.amount, other.amount), self.currency)


@dataclass(frozen=True, slots=True)
class Usage:
    """What one call used. `cost` None: its price is unknown. `estimated`: the provider did not say, we counted. `cached_tokens` are part of
    `prompt_tokens`, `reasoning_tokens` of `completion_tokens`. `prompt`: the published one that was rendered for it, `name@3`. `earlier`:
    calls of other models that it took to get there, each charged by itself; the numbers here are without them."""

    model: str
    prompt_tokens: int
    completion_tokens: int
    cost: Money | None = None
    estimated: bool = False
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    prompt: str = ""
    earlier: tuple["Usage", ...] = ()

    @property
    def calls(self) -> tuple["Usage", ...]:
        """Each model's by itself, this one first."""
        return (replace(self, earlier=()), *self.earlier) if self.earlier else (self,)

    def rendered_from(self, prompt: str) -> "Usage":
        """Each of its calls was asked what the published prompt gave."""
        return replace(self, prompt=prompt, earlier=tuple(replace(call, prompt=prompt) for call in self.earlier))

    @property
    def as_one(self) -> "Usage":
        """All of it under this model's name: what is reserved has one line."""
        one, *others = self.calls
        return reduce(lambda sum, other: sum.beside(replace(other, model=sum.model)), others, one)

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    def beside(self, earlier: "Usage | None") -> "Usage":
        """This call and an earlier one: as one where the model is the same, whose price is unknown when one of theirs is; else the earlier
        one stands by itself."""
        return self if earlier is None else reduce(Usage._with, earlier.calls, self)

    def _with(self, other: "Usage") -> "Usage":
        if other.model == self.model:
            return self._and(other)
        found = next((at for at, one in enumerate(self.earlier) if one.model == other.model), None)
        if found is None:
            return replace(self, earlier=(*self.earlier, other))
        return replace(self, earlier=(*self.earlier[:found], self.earlier[found]._and(other), *self.earlier[found + 1 :]))

    def _and(self, earlier: "Usage") -> "Usage":
        cost = None if self.cost is None or earlier.cost is None else self.cost + earlier.cost
        prompt, completion = self.prompt_tokens + earlier.prompt_tokens, self.completion_tokens + earlier.completion_tokens
        cached, reasoning = self.cached_tokens + earlier.cached_tokens, self.reasoning_tokens + earlier.reasoning_tokens
        estimated = self.estimated or earlier.estimated
        return Usage(self.model, prompt, completion, cost, estimated, cached, reasoning, self.prompt, self.earlier)


class UsageState(StrEnum):
    """`RESERVED`: the call may be under way, and holds the most that it can use. `COUNTED`: what it used. `UNKNOWN`: nobody heard what
    became of it, so it is charged what was reserved. `VOID`: it used nothing; no reader sees the line."""

    RESERVED = "reserved"
    COUNTED = "counted"
    UNKNOWN = "unknown"
    VOID = "void"

    @property
    def is_charged(self) -> bool:
        return self in (UsageState.COUNTED, UsageState.UNKNOWN)

    def gives_way_to(self, newer: "UsageState") -> bool:
        """Each knows more than the one before: in whatever order lines of a call are written, the same one is left. That nothing came back
        to a worker that had lost the run does not say that nothing was used."""
        return _KNOWS_MORE.index(newer) > _KNOWS_MORE.index(self)


_KNOWS_MORE: Final = (UsageState.RESERVED, UsageState.VOID, UsageState.UNKNOWN, UsageState.COUNTED)

DAY_SECONDS: Final = 86_400

LineKey: TypeAlias = tuple[RunId, ActivationPath, int, int, Epoch]
"""Run, activation, effect, attempt, epoch: one call."""


@dataclass(frozen=True, slots=True)
class UsageRow:
    """One line of the ledger, unique by its key. `at`: when its call was first written (seconds since the epoch), and so the day that it
    counts to, whatever becomes of it. `session` and `user`: for whom its run acts, "" for nobody."""

    tenant: TenantId
    thread: ThreadId
    run: RunId
    workflow: str
    activation: ActivationPath
    effect: int
    attempt: int
    epoch: Epoch
    usage: Usage
    state: UsageState = UsageState.COUNTED
    session: str = ""
    user: str = ""
    at: float = 0.0

    @property
    def node(self) -> str:
        return self.activation.rpartition("/")[2].partition("#")[0]

    @property
    def day(self) -> int:
        """In UTC, counted from the epoch."""
        return int(self.at // DAY_SECONDS)

    def settled_by(self, newer: "UsageRow") -> "UsageRow":
        """What is left of the two, which are of one key."""
        return replace(newer, at=self.at) if self.state.gives_way_to(newer.state) else self

    @property
    def key(self) -> LineKey:
        return self.run, self.activation, self.effect, self.attempt, self.epoch


@dataclass(frozen=True, slots=True)
class UsageTotal:
    """`cost` sums what is known in dollars, `others` what is in other currencies, one each; `unpriced` counts the calls that have no known
    price, `unknown` those that are charged what was reserved for them."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    calls: int = 0
    cost: Money = Money(Decimal(0))
    unpriced: int = 0
    unknown: int = 0
    others: tuple[Money, ...] = ()

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    def plus(self, usage: Usage, state: UsageState = UsageState.COUNTED) -> "UsageTotal":
        """With every call that it took."""
        return reduce(lambda sum, call: sum._plus(call, state), usage.calls, self)

    def _plus(self, usage: Usage, state: UsageState) -> "UsageTotal":
        costs = {money.currency: money for money in (self.cost, *self.others)}
        if (cost := usage.cost) is not None:
            costs[cost.currency] = costs[cost.currency] + cost if cost.currency in costs else cost
        first, *others = costs.values()
        prompt, completion = self.prompt_tokens + usage.prompt_tokens, self.completion_tokens + usage.completion_tokens
        unpriced, unknown = self.unpriced + (cost is None), self.unknown + (state is UsageState.UNKNOWN)
        return UsageTotal(prompt, completion, self.calls + 1, first, unpriced, unknown, tuple(others))


def total(usages: Iterable[Usage]) -> UsageTotal:
    result = UsageTotal()
    for usage in usages:
        result = result.plus(usage)
    return result


def charged(rows: Iterable[UsageRow]) -> UsageTotal:
    """What is to be paid for; of each key one line."""
    result = UsageTotal()
    for row in rows:
        result = result.plus(row.usage, row.state) if row.state.is_charged else result
    return result


def newest(rows: Iterable[UsageRow]) -> list[UsageRow]:
    """One line for each key, as all of them written one after the other leave it."""
    kept: dict[LineKey, UsageRow] = {}
    for row in rows:
        known = kept.get(row.key)
        kept[row.key] = row if known is None else known.settled_by(row)
    return list(kept.values())

"""Tokens and money. Money is Decimal with a currency, never a float; an unknown price is unknown, never zero."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from domain.errors import TrackingError
from domain.ids import ActivationPath, Epoch, RunId, TenantId, ThreadId


@dataclass(frozen=True, slots=True)
class Money:
    amount: Decimal
    currency: str = "USD"

    def __add__(self, other: "Money") -> "Money":
        if self.currency != other.currency:
            raise TrackingError(f"{self.currency} and {other.currency} cannot be summed")
        return Money(self.amount + other.amount, self.currency)


@dataclass(frozen=True, slots=True)
class Usage:
    """What one call used. `cost` None: its price is unknown. `estimated`: the provider did not say, we counted."""

    model: str
    prompt_tokens: int
    completion_tokens: int
    cost: Money | None = None
    estimated: bool = False

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    def beside(self, earlier: "Usage | None") -> "Usage":
        """This call and an earlier one of the same model, as one; the price is unknown when one of theirs is."""
        if earlier is None:
            return self
        cost = None if self.cost is None or earlier.cost is None else self.cost + earlier.cost
        prompt, completion = self.prompt_tokens + earlier.prompt_tokens, self.completion_tokens + earlier.completion_tokens
        return Usage(self.model, prompt, completion, cost, self.estimated or earlier.estimated)


@dataclass(frozen=True, slots=True)
class UsageRow:
    """One line of the ledger, unique by run, activation, effect, attempt and epoch."""

    tenant: TenantId
    thread: ThreadId
    run: RunId
    workflow: str
    activation: ActivationPath
    effect: int
    attempt: int
    epoch: Epoch
    usage: Usage


@dataclass(frozen=True, slots=True)
class UsageTotal:
    """`cost` sums what is known, `unpriced` counts the calls that have no known price."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    calls: int = 0
    cost: Money = Money(Decimal(0))
    unpriced: int = 0

    @property
    def total_tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    def plus(self, usage: Usage) -> "UsageTotal":
        return UsageTotal(
            self.prompt_tokens + usage.prompt_tokens,
            self.completion_tokens + usage.completion_tokens,
            self.calls + 1,
            self.cost + usage.cost if usage.cost else self.cost,
            self.unpriced + (usage.cost is None),
        )


def total(usages: Iterable[Usage]) -> UsageTotal:
    result = UsageTotal()
    for usage in usages:
        result = result.plus(usage)
    return result

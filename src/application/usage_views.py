"""What calls used, as readers get it."""

import csv
import io
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import Final

from application.run_views import CostView
from application.views import MoneyView, View, plain_number
from domain.tally import Aspect, Spent, Tally, amount_of
from domain.usage import Money

USUAL: Final = Money(Decimal(0)).currency
_FORMULA: Final = frozenset("=+-@")
_UNSEEN: Final = frozenset(("Cc", "Cf", "Zs", "Zl", "Zp"))
"""Categories of Unicode: control and format characters, spaces, ends of lines and paragraphs."""
_COUNTED: Final = ("calls", "prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "reasoning_tokens")
_CSV: Final = (*_COUNTED, "estimated_calls", "unknown_calls", "cost", "currency")


class SpentView(View):
    """`cached_tokens` are part of `prompt_tokens`, `reasoning_tokens` of `completion_tokens`. `estimated_calls`: the provider did not say
    what they used, we counted. `unknown_calls`: nobody heard what became of them, they are charged the most that they can have used.
    `cost` leaves out its `unpriced_calls`."""

    calls: int
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cached_tokens: int
    reasoning_tokens: int
    estimated_calls: int
    unknown_calls: int
    cost: CostView


class UsageItemView(SpentView):
    """Of the last seven members those are there that `group_by` names. `day`: of UTC. "" stands for none, as outside sessions."""

    day: str = ""
    workflow: str = ""
    node: str = ""
    model: str = ""
    prompt: str = ""
    session: str = ""
    user: str = ""


class UsageReportView(View):
    """`total`: of all items, those of other pages included. `next_cursor` is null on the last page."""

    items: list[UsageItemView]
    total: SpentView
    next_cursor: str | None


class WorkflowTokenStatistics(View):
    """`execution_count`: runs that were started from `since` on and before `until`; tokens and cost are those of calls made in that time.
    `average_tokens_per_execution` is 0 where there is no run."""

    workflow_id: str
    since: datetime | None
    until: datetime | None
    execution_count: int
    total_tokens: int
    average_tokens_per_execution: float
    total_cost: CostView


@dataclass(frozen=True, slots=True)
class Group:
    """Calls that have something in common, by currency; None: of those without a known price."""

    key: tuple[str, ...]
    tallies: Mapping[str | None, Tally]

    def members(self, main: str) -> dict[str, object]:
        """Those of `SpentView`. `main`: the currency of `cost`."""
        tally = sum(self.tallies.values(), Tally())
        attos = self.tallies.get(main, Tally()).attos
        others = [Money(amount_of(one.attos), name) for name, one in self.tallies.items() if name is not None and name != main]
        cost = CostView(
            amount=plain_number(amount_of(attos)),
            currency=main,
            unpriced_calls=self.tallies.get(None, Tally()).calls,
            others=[MoneyView.of(money) for money in others],
        )
        return {**_counts(tally), "cost": cost}


def groups_of(spent: Iterable[Spent]) -> list[Group]:
    """In the order they come, which is that of their keys."""
    return [Group(key, {one.currency: one.tally for one in found}) for key, found in groupby(spent, key=lambda one: one.key)]


def total_of(spent: Iterable[Spent]) -> Group:
    tallies: dict[str | None, Tally] = {}
    for one in spent:
        tallies[one.currency] = tallies.get(one.currency, Tally()) + one.tally
    return Group((), tallies)


def main_currency(total: Group) -> str:
    """The one that `cost` is in everywhere in one answer."""
    found = sorted(name for name in total.tallies if name is not None)
    return USUAL if not found or USUAL in found else found[0]


def item_of(group: Group, by: Sequence[Aspect], main: str) -> UsageItemView:
    return UsageItemView.model_validate({**dict(zip(by, group.key, strict=True)), **group.members(main)})


def spent_of(group: Group, main: str) -> SpentView:
    return SpentView.model_validate(group.members(main))


def as_csv(spent: Iterable[Spent], by: Sequence[Aspect]) -> str:
    """A line for each group and currency, so that columns may be summed; `cost` and `currency` are empty where no price is known."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\r\n")
    lines.writerow([*by, *_CSV])
    for one in spent:
        cost = "" if one.cost is None else plain_number(one.cost.amount)
        lines.writerow([*map(_harmless, one.key), *_counts(one.tally).values(), cost, one.currency or ""])
    return text.getvalue()


def _counts(tally: Tally) -> dict[str, int]:
    return {
        **{name: getattr(tally, name) for name in _COUNTED},
        "estimated_calls": tally.estimated,
        "unknown_calls": tally.unknown,
    }


def _harmless(word: str) -> str:
    """A spreadsheet runs what looks like a formula; some skip what is not seen before it, or read full-width signs as plain ones."""
    seen = next((letter for letter in word if unicodedata.category(letter) not in _UNSEEN), "")
    is_formula = unicodedata.normalize("NFKC", seen) in _FORMULA
    return f"'{word}" if is_formula or word.startswith(("\t", "\r", "\n")) else word

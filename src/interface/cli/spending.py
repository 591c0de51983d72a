"""What calls used and cost, on the screen."""

import sys
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from interface.cli.client import Server
from interface.cli.happenings import Members
from interface.cli.printing import money, print_json, print_table

Asked = dict[str, str | None]
_BARS: Final = "▁▂▃▄▅▆▇█"
_LONGEST: Final = 366
_TITLES: Final = ("CALLS", "PROMPT", "COMPLETION", "COST", "")


def show(there: Server, by: str, asked: Asked, *, as_csv: bool, as_json: bool) -> None:
    if as_csv:
        print(there.text("/v1/usage", group_by=by, format="csv", **asked), end="")
        return
    items = list(there.each("/v1/usage", 200, group_by=by, **asked))
    if as_json:
        print_json(items)
        return
    words = by.split(",")
    print_table([*map(str.upper, words), *_TITLES], (_row(item, words) for item in items))
    total = there.get("/v1/usage", **asked)["total"]
    print(summary(total, "" if asked["run"] else _days(there, asked)), file=sys.stderr)


def summary(total: Members, line: str) -> str:
    calls = "1 call" if total["calls"] == 1 else f"{total['calls']:,} calls"
    said = [f"{calls}, {total['total_tokens']:,} tokens, {_cost(total)}", _doubts(total)]
    return "  ".join(filter(None, ["; ".join(filter(None, said)), line]))


def sparkline(values: Sequence[Decimal]) -> str:
    """A bar for each value; the lowest stands for nothing at all."""
    most = max(values, default=Decimal(0))
    top = len(_BARS) - 1
    return "".join(_BARS[0] if not most or value <= 0 else _BARS[max(1, round(value / most * top))] for value in values)


def _row(item: Members, words: Sequence[str]) -> tuple[str, ...]:
    tokens = (f"{item['prompt_tokens']:,}", f"{item['completion_tokens']:,}")
    return (*(item[word] or "-" for word in words), f"{item['calls']:,}", *tokens, _cost(item), _doubts(item))


def _cost(spent: Members) -> str:
    costs = [spent["cost"], *spent["cost"]["others"]]
    return " + ".join(money(cost["amount"], cost["currency"]) for cost in costs)


def _doubts(spent: Members) -> str:
    said = [
        (spent["cost"]["unpriced_calls"], "without a known price"),
        (spent["estimated_calls"], "estimated"),
        (spent["unknown_calls"], "lost, and charged what was reserved"),
    ]
    return ", ".join(f"{count:,} {what}" for count, what in said if count)


def _days(there: Server, asked: Asked) -> str:
    """What each day cost, or used where nothing has a price, from the first to the last."""
    found = {item["day"]: item for item in there.each("/v1/usage", 200, group_by="day", **asked)}
    if not found:
        return ""
    priced = any(Decimal(item["cost"]["amount"]) for item in found.values())
    days = list(_between(date.fromisoformat(min(found)), date.fromisoformat(max(found))))[-_LONGEST:]
    values = [_value(found.get(day.isoformat()), priced=priced) for day in days]
    return f"{days[0]} {sparkline(values)} {days[-1]}"


def _between(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))


def _value(item: Members | None, *, priced: bool) -> Decimal:
    if item is None:
        return Decimal(0)
    return Decimal(item["cost"]["amount"] if priced else item["total_tokens"])

"""Results on stdout: JSON, tables for people, tab-separated lines for programs."""

import json
import sys
from collections.abc import Iterable, Sequence
from decimal import Decimal

from interface.cli.happenings import Members


def print_json(value: object) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


def print_output(output: object) -> None:
    """What a run or a tool made: text as it is, anything else as JSON."""
    if isinstance(output, str):
        print(output)
    else:
        print_json(output)


def print_table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    if not sys.stdout.isatty():
        for row in rows:
            print("\t".join(row))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in titles:
        table.add_column(title, overflow="fold")  # where there is little room, a name goes on below: nothing is left out
    for row in rows:
        table.add_row(*row)
    Console(markup=False, highlight=False).print(table)


def money(amount: Decimal | str, currency: str) -> str:
    """`$0.0123`: small sums keep their digits."""
    number = Decimal(amount)
    places = 6 if not number or number.adjusted() >= -6 else 1 - number.adjusted()
    whole, _, cents = f"{number:.{places}f}".partition(".")
    written = f"{whole}.{cents.rstrip('0').ljust(2, '0')}"
    return f"${written}" if currency == "USD" else f"{written} {currency}"


def spent(run: Members) -> str:
    """A run's calls, tokens and cost in a phrase; empty when it called no model."""
    usage, cost = run["usage"], run["cost"]
    if not usage["calls"]:
        return ""
    unpriced = f" and {cost['unpriced_calls']} calls without a known price" if cost["unpriced_calls"] else ""
    calls = "1 model call" if usage["calls"] == 1 else f"{usage['calls']} model calls"
    calls += f" ({usage['unknown_calls']} of them lost, and charged what was reserved)" if usage.get("unknown_calls") else ""
    paid = " + ".join(money(one["amount"], one["currency"]) for one in (cost, *cost.get("others", ())))
    return f"{calls}, {usage['total_tokens']} tokens, {paid}{unpriced}"


def ending(run: Members) -> str:
    """How a run ended and what it took, in a sentence."""
    parts = [run["status"], spent(run)]
    error = run["error"]
    if error is not None:
        parts.insert(1, f"node {error['node'] or '(none)'}: {error['message']} ({error['code']})")
    return f"{run['workflow']} " + ", ".join(part for part in parts if part)

"""Budgets as people write and read them."""

import re
from collections.abc import Iterable, Iterator

from interface.cli.client import Server
from interface.cli.failures import CommandFailed
from interface.cli.happenings import Members
from interface.cli.printing import money

_LIMIT = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]+)")
_MOST = 100_000


def limit_of(written: str) -> dict[str, object]:
    """`5USD`, `100000tokens`."""
    found = _LIMIT.fullmatch(written.strip())
    if found is None or (found[2].lower() == "tokens" and "." in found[1]):
        raise CommandFailed(f"--limit {written} is no amount: write money as 5USD, tokens as 100000tokens")
    return {"tokens": int(found[1])} if found[2].lower() == "tokens" else {"amount": found[1], "currency": found[2].upper()}


def scope_of(written: Iterable[str]) -> dict[str, str]:
    pairs = [one.partition("=") for one in written]
    wrong = next((f"{level}{sign}{value}" for level, sign, value in pairs if not level or not sign or not value), None)
    if wrong is not None:
        raise CommandFailed(f"--scope {wrong} names nobody: write it as workflow=triage, or user=* for each user")
    return {level: value for level, _, value in pairs}


def named(there: Server, name: str) -> Members:
    found: Members | None = next((view for view in there.items("/v1/budgets", _MOST) if name in (view["name"], view["id"])), None)
    if found is None:
        raise CommandFailed(f"there is no budget {name!r}: `weft budgets list` shows those there are")
    return found


def brief(view: Members) -> str:
    """For a table; `show` and --json say all of it."""
    return amount(view) if view["amount"] is None else money(view["amount"], view["currency"])


def amount(view: Members) -> str:
    return f"{view['tokens']} tokens" if view["amount"] is None else f"{view['amount']} {view['currency']}"


def lines_of(view: Members) -> Iterator[tuple[str, ...]]:
    """A line for each account, and one for a budget that was not used."""
    limit, at_limit = brief(view["limit"]), view["at_limit"]
    for account in view["accounts"]:
        used = (brief(account[name]) for name in ("spent", "reserved", "left"))
        yield view["name"], account["subject"] or "all", account["period"] or view["per"], limit, *used, at_limit
    if not view["accounts"]:
        yield view["name"], _scope(view), view["per"], limit, "", "", "", at_limit


def sentences_of(view: Members) -> Iterator[str]:
    then = f"{view['at_limit']} with {view['instead']}" if view["instead"] else view["at_limit"]
    yield f"budget {view['name']}: {amount(view['limit'])} for {_scope(view)}, per {view['per']}, at the limit {then}"
    for account in view["accounts"]:
        spent, reserved, left = (amount(account[name]) for name in ("spent", "reserved", "left"))
        yield f"{account['subject'] or 'all'} {account['period']}: {spent} spent, {reserved} reserved, {left} left".replace(" :", ":")


def _scope(view: Members) -> str:
    return " ".join(f"{level}={value}" for level, value in view["scope"].items()) or "all"

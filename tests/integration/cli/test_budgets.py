"""`weft budgets`, as people write limits and scopes, and with a service."""

from decimal import Decimal
from typing import Any

import pytest

from interface.cli.budgeting import limit_of, lines_of, scope_of
from interface.cli.failures import CommandFailed
from tests.integration.cli.command import Weft


@pytest.mark.processes
def test_a_budget_is_set_listed_raised_and_removed(weft: Weft) -> None:
    server = ("--server", weft.commands.serve("--no-worker").url())

    def said(*arguments: str) -> str:
        result = weft("budgets", *arguments, *server)
        assert result.code == 0, result.err
        return str(result.out).strip()

    assert said("set", "daily", "--scope", "workflow=triage", "--limit", "0.30USD", "--per", "day", "--at-limit", "park") == (
        "budget daily: 0.3 USD for workflow=triage, per day, at the limit park"
    )
    assert said("list").splitlines()[-1].split("\t") == ["daily", "workflow=triage", "day", "$0.30", "", "", "", "park"]
    assert said("raise", "daily", "--limit", "0.80USD").startswith("budget daily: 0.8 USD for")
    (shown,) = weft("budgets", "list", "--json", *server).json
    assert Decimal(shown["limit"]["amount"]) == Decimal("0.80")
    assert weft("budgets", "set", "daily", "--limit", "1USD", *server).code != 0
    euros = weft("budgets", "set", "euros", "--limit", "5EUR", *server)
    assert euros.code != 0
    assert "write the limit in USD" in euros.err
    assert said("remove", "daily") == "budget daily is removed"

    gone = weft("budgets", "show", "daily", *server)
    assert gone.code != 0
    assert "there is no budget 'daily'" in gone.err


@pytest.mark.parametrize(
    ("written", "limit"),
    [
        ("5USD", {"amount": "5", "currency": "USD"}),
        ("0.10 eur", {"amount": "0.10", "currency": "EUR"}),
        ("100000tokens", {"tokens": 100_000}),
    ],
)
def test_limits_are_written_with_their_unit(written: str, limit: dict[str, Any]) -> None:
    assert limit_of(written) == limit


@pytest.mark.parametrize("written", ["5", "USD", "-5USD", "1.5tokens", "1e3USD", "5 USD a day", ""])
def test_what_is_no_limit_says_how_one_is_written(written: str) -> None:
    with pytest.raises(CommandFailed, match="write money as 5USD"):
        limit_of(written)


@pytest.mark.parametrize("written", ["triage", "workflow=", "=triage"])
def test_a_scope_names_a_level_and_somebody(written: str) -> None:
    with pytest.raises(CommandFailed, match="write it as workflow=triage"):
        scope_of(["user=*", written])


def test_each_account_of_a_budget_has_a_line() -> None:
    money = {"amount": "1", "currency": "USD", "tokens": None}
    account = {"period": "2026-11-21", "spent": money, "reserved": money, "left": money}
    accounts = [{"subject": "ann", **account}, {"subject": "", **account}]
    view: Any = {"name": "b", "limit": money, "at_limit": "stop", "per": "day", "scope": {"user": "*"}, "accounts": accounts}

    assert [line[1] for line in lines_of(view)] == ["ann", "all"]

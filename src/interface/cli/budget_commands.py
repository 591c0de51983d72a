"""Commands for the budgets of a service."""

from typing import Annotated, Any

import typer

from interface.cli.happenings import Members
from interface.cli.options import AsJson, ServerKey, ServerUrl

budgets = typer.Typer(help="Say how much money or how many tokens may be used.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The budget's name.")]
Limit = Annotated[str, typer.Option("--limit", metavar="AMOUNT", help="Money or tokens: 5USD, 0.25USD, 100000tokens.")]
_MOST = 100_000


def add_to(root: typer.Typer) -> None:
    root.add_typer(budgets, name="budgets", rich_help_panel="A running service")


@budgets.command("set", epilog="Example: weft budgets set triage-a-day --scope workflow=triage --limit 5USD --per day --at-limit park")
def set_budget(
    name: Name,
    limit: Limit,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LEVEL=VALUE", help="user, session, workflow, run or node; * is each one for itself. May be said several times."
        ),
    ] = None,
    per: Annotated[str, typer.Option(help="run, day, month or total: who and what has the whole limit anew.")] = "total",
    at_limit: Annotated[str, typer.Option(help="stop, degrade or park.")] = "stop",
    instead: Annotated[str, typer.Option(metavar="MODEL", help="With degrade: the cheaper model.")] = "",
    alert: Annotated[list[int] | None, typer.Option(metavar="PERCENT", help="Tell somebody at so much of it; else 50, 80 and 100.")] = None,
    server: ServerUrl = None,
    key: ServerKey = None,
    as_json: AsJson = False,
) -> None:
    """Make a budget. It counts what is used from now on."""
    from interface.cli.budgeting import limit_of, scope_of
    from interface.cli.client import connected

    order: dict[str, Any] = {"name": name, "limit": limit_of(limit), "scope": scope_of(scope or ()), "per": per, "at_limit": at_limit}
    if alert:
        order["alerts"] = alert
    with connected(server, key) as there:
        view = there.post("/v1/budgets", {**order, "instead": instead})
    _show(view, as_json)


@budgets.command("list", epilog="Example: weft budgets list")
def list_budgets(server: ServerUrl = None, key: ServerKey = None, as_json: AsJson = False) -> None:
    """Every budget, and what is left of it in this period."""
    from interface.cli.budgeting import lines_of
    from interface.cli.client import connected
    from interface.cli.printing import print_json, print_table

    with connected(server, key) as there:
        found = there.items("/v1/budgets", _MOST)
    if as_json:
        print_json(found)
    else:
        titles = ("BUDGET", "OF", "PERIOD", "LIMIT", "SPENT", "RESERVED", "LEFT", "AT LIMIT")
        print_table(titles, (line for view in found for line in lines_of(view)))


@budgets.command("show", epilog="Example: weft budgets show triage-a-day")
def show_budget(name: Name, server: ServerUrl = None, key: ServerKey = None, as_json: AsJson = False) -> None:
    """One budget, and what is spent, reserved and left of it in this period."""
    from interface.cli.budgeting import named
    from interface.cli.client import connected

    with connected(server, key) as there:
        view = named(there, name)
    _show(view, as_json)


@budgets.command("raise", epilog="Example: weft budgets raise triage-a-day --limit 8USD")
def raise_budget(name: Name, limit: Limit, server: ServerUrl = None, key: ServerKey = None, as_json: AsJson = False) -> None:
    """Give a budget another limit. Runs that are parked for it go on when there is room for them."""
    from interface.cli.budgeting import limit_of, named
    from interface.cli.client import connected

    with connected(server, key) as there:
        view = there.patch(f"/v1/budgets/{named(there, name)['id']}", {"limit": limit_of(limit)})
    _show(view, as_json)


@budgets.command("remove", epilog="Example: weft budgets remove triage-a-day")
def remove_budget(name: Name, server: ServerUrl = None, key: ServerKey = None) -> None:
    """Take a budget away: what it counted is not limited by it any more."""
    from interface.cli.budgeting import named
    from interface.cli.client import connected

    with connected(server, key) as there:
        there.delete(f"/v1/budgets/{named(there, name)['id']}")
    print(f"budget {name} is removed")


def _show(view: Members, as_json: bool) -> None:
    from interface.cli.budgeting import sentences_of
    from interface.cli.printing import print_json

    if as_json:
        print_json(view)
    else:
        print("\n".join(sentences_of(view)))

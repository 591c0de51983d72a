"""`weft usage`."""

from typing import Annotated

import typer

from interface.cli.options import AsJson, ServerKey, ServerUrl, Since, Until


def add_to(root: typer.Typer) -> None:
    root.command(epilog="Example: weft usage --by day,model --since 30d", rich_help_panel="A running service")(usage)


def usage(
    run: Annotated[str | None, typer.Argument(metavar="RUN", help="Of one run, by node and model.")] = None,
    by: Annotated[
        str | None, typer.Option(metavar="WORDS", help="day, workflow, node, model, prompt, session, user; several joined by commas.")
    ] = None,
    since: Since = None,
    until: Until = None,
    workflow: Annotated[str | None, typer.Option(metavar="NAME", help="Of this workflow.")] = None,
    model: Annotated[str | None, typer.Option(metavar="MODEL", help="Of this model.")] = None,
    session: Annotated[str | None, typer.Option(metavar="SESSION", help="Of this session.")] = None,
    user: Annotated[str | None, typer.Option(metavar="USER", help="Of this user's sessions.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV for spreadsheets.")] = False,
    as_json: AsJson = False,
    server: ServerUrl = None,
    key: ServerKey = None,
) -> None:
    """Tokens and cost of a service, as a table; calls with an unknown price are counted apart.

    Days are those of UTC. Without --since: the last 7 days, or all of a run's calls.
    """
    from datetime import UTC, datetime

    from interface.cli.client import connected
    from interface.cli.spending import show
    from interface.cli.times import time_of

    now = datetime.now(UTC)
    begin = since or (None if run else "7d")
    asked = {"workflow": workflow, "model": model, "session": session, "user": user, "run": run}
    asked |= {"since": time_of(begin, now, "--since"), "until": time_of(until, now, "--until")}
    with connected(server, key) as there:
        show(there, by or ("node,model" if run else "day,model"), asked, as_csv=as_csv, as_json=as_json)

"""The command for the history of a service."""

from typing import Annotated

import typer

from interface.cli.options import AsJson, Limit, ServerKey, ServerUrl, Since, Until


def add_to(root: typer.Typer) -> None:
    root.command("history", rich_help_panel="A running service", epilog="Example: weft history --type llm_response --text refund")(history)


def history(
    run: Annotated[str | None, typer.Argument(metavar="RUN", help="Of this run; else of all.")] = None,
    record_type: Annotated[
        str | None,
        typer.Option(
            "--type",
            metavar="TYPE",
            help="llm_request, llm_response, token_usage, cost_record, workflow_execution or tool_execution.",
        ),
    ] = None,
    session: Annotated[str | None, typer.Option(metavar="SESSION", help="Of this session.")] = None,
    model: Annotated[str | None, typer.Option(metavar="MODEL", help="As it was asked for, or as it answered.")] = None,
    since: Since = None,
    until: Until = None,
    text: Annotated[str | None, typer.Option(metavar="TEXT", help="A part of what was said, in capitals or not.")] = None,
    limit: Limit = 20,
    server: ServerUrl = None,
    key: ServerKey = None,
    as_json: AsJson = False,
) -> None:
    """What was said to models and tools, what it used and cost, how runs ended; newest first."""
    from datetime import UTC, datetime
    from urllib.parse import quote

    from interface.cli.client import connected
    from interface.cli.history_lines import line_of
    from interface.cli.printing import print_json, print_table
    from interface.cli.times import time_of

    now = datetime.now(UTC)
    words = {"type": record_type, "run": run, "session": session, "model": model, "text": text}
    words |= {"since": time_of(since, now, "--since"), "until": time_of(until, now, "--until")}
    with connected(server, key) as there:
        found = there.items("/v1/history", limit, **words)
        if run and not found:
            there.get(f"/v1/runs/{quote(run, safe='')}")  # fails, and says why, where there is no such run
    if as_json:
        print_json(found)
    else:
        print_table(("TIME", "TYPE", "RUN", "WHAT", "SAID"), map(line_of, found))

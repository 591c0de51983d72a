"""Commands for the audit trail, directly in the database."""

from typing import Annotated

import typer

from interface.cli.options import AsJson, Database, Limit, Since, Until, launcher_of

audit = typer.Typer(help="Who did what to which: look at the audit trail and verify it, directly in the database.", no_args_is_help=True)
Tenant = Annotated[str, typer.Option(help="Whose trail.")]


def add_to(root: typer.Typer) -> None:
    root.add_typer(audit, name="audit", rich_help_panel="For its owner")


@audit.command("list", epilog="Example: weft audit list --effect deny --since 24h")
def list_deeds(
    context: typer.Context,
    who: Annotated[str | None, typer.Option(metavar="NAME", help="Of this key, session or run.")] = None,
    action: Annotated[str | None, typer.Option(metavar="ACTION", help="Such as tool.call, key.create, `POST /v1/runs`.")] = None,
    resource: Annotated[str | None, typer.Option(metavar="NAME", help="The tool, the key or the path that it was done to.")] = None,
    effect: Annotated[str | None, typer.Option(metavar="EFFECT", help="allow, ask or deny.")] = None,
    since: Since = None,
    until: Until = None,
    tenant: Tenant = "default",
    limit: Limit = 20,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Records, newest first. Each word must be the whole of what the record says."""
    import asyncio
    from datetime import UTC, datetime

    from interface.cli.auditing import list_deeds as list_them
    from interface.cli.times import time_of

    now = datetime.now(UTC)
    words = {"who": who, "action": action, "resource": resource, "effect": effect}
    words |= {"since": time_of(since, now, "--since"), "until": time_of(until, now, "--until")}
    asyncio.run(list_them(launcher_of(context), tenant, words, limit, as_json, database_url=database))


@audit.command("verify", epilog="Example: weft audit verify --tenant acme")
def verify(
    context: typer.Context,
    tenant: Tenant = "default",
    kept: Annotated[
        str | None, typer.Option(metavar="NUMBER:DIGEST", help="A record as an earlier verification named it: is it still the same?")
    ] = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Read the whole chain and say the first record that does not fit.

    Exit code 1 when there is one. Keep the last line of the answer elsewhere: with --kept it shows later that nothing was rewritten.
    """
    import asyncio

    from interface.cli.auditing import verify as verify_it

    asyncio.run(verify_it(launcher_of(context), tenant, kept, as_json, database_url=database))

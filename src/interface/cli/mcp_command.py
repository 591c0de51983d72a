"""`weft mcp`."""

from typing import Annotated

import typer

from interface.cli.options import Database, RedisUrl, launcher_of


def add_to(root: typer.Typer) -> None:
    root.command("mcp", epilog="Example: weft mcp --database sqlite:///weft.db", rich_help_panel="Service")(mcp)


def mcp(
    context: typer.Context,
    database: Database = None,
    redis: RedisUrl = None,
    tenant: Annotated[str, typer.Option(help="Whose workflows and tools.")] = "default",
) -> None:
    """Offer workflows and tools to a program that speaks the Model Context Protocol, over stdin and stdout.

    Works on their runs too. A service that already runs offers the same at /mcp.
    """
    import asyncio

    from interface.cli.speaking import speak_and_work

    asyncio.run(speak_and_work(launcher_of(context), tenant, database_url=database, redis_url=redis))

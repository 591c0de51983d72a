"""`weft tools import`: every operation of a service that describes itself, as a tool."""

from pathlib import Path
from typing import Annotated

import typer

from interface.cli.options import AsJson, ServerKey, ServerUrl, launcher_of
from interface.cli.tool_commands import tools


def add_to(_root: typer.Typer) -> None:
    example = "Example: weft tools import openapi.json --only GET --prefix github_ --dry-run"
    tools.command("import", epilog=example)(import_tools)


def import_tools(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="OpenAPI 3.0 or 3.1, or Swagger 2.0, as JSON or YAML.")],
    only: Annotated[str | None, typer.Option(metavar="METHODS", help="GET, or GET,POST; else all.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="Only operations with this tag; repeatable.")] = None,
    path: Annotated[list[str] | None, typer.Option(metavar="GLOB", help="Only paths like '/repos/*'; repeatable.")] = None,
    operation: Annotated[list[str] | None, typer.Option(metavar="ID", help="Only this operationId; repeatable.")] = None,
    prefix: Annotated[str, typer.Option(help="Before every tool's name.")] = "",
    server_url: Annotated[str, typer.Option("--server-url", metavar="URL", help="Where the service is, whatever the document says.")] = "",
    secret: Annotated[list[str] | None, typer.Option(metavar="SCHEME=NAME", help="The secret for a security scheme; repeatable.")] = None,
    check_answers: Annotated[bool, typer.Option("--check-answers", help="Refuse answers that the document does not describe.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would come of it.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FOLDER", help="Write a document for each tool there; register nothing.")
    ] = None,
    server: ServerUrl = None,
    key: ServerKey = None,
    as_json: AsJson = False,
) -> None:
    """Make a tool of every operation in an OpenAPI document, and register them at a running service."""
    from interface.cli.tool_importing import Destination, imported, wanted

    choice = wanted(only, tag, path, operation, prefix=prefix, server=server_url, secrets=secret, checks_answers=check_answers)
    raise typer.Exit(imported(launcher_of(context), file, choice, Destination(dry_run, out, server, key), as_json=as_json))

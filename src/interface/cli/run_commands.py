"""`weft run`."""

import sys
from typing import Annotated

import typer

from interface.cli.launcher import quiet
from interface.cli.options import AsJson, Database, launcher_of


def add_to(root: typer.Typer) -> None:
    example = "Example: weft run examples/support_triage.yaml --input @examples/data/ticket.json --watch"
    root.command(epilog=example, rich_help_panel="Workflows")(run)


def run(
    context: typer.Context,
    workflow: Annotated[str, typer.Argument(metavar="FILE|NAME", help="A workflow's file, or the name of a published one.")],
    given: Annotated[str, typer.Option("--input", metavar="JSON|@FILE", help="The run's input, as a JSON object; @- reads stdin.")] = "{}",
    watch: Annotated[bool, typer.Option("--watch", help="Show the run while it happens, on stderr.")] = False,
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """Run a workflow here, without a server, and print what it made.

    Ctrl-C cancels the run; the second Ctrl-C does not wait for that.
    """
    import asyncio

    launcher = launcher_of(context)
    from interface.cli.documents import read_object
    from interface.cli.embedded import run_here
    from interface.cli.printing import ending, print_json, print_output

    values = read_object(given, "--input")
    ended, code = asyncio.run(run_here(launcher, workflow, values, watch=watch, database_url=database, metrics=False, log=quiet()))
    if ended is not None:
        seen = ended.model_dump(mode="json")
        if as_json:
            print_json(seen)
        elif ended.status == "completed":
            print_output(seen["output"])
        print(ending(seen), file=sys.stderr)
        if ended.ended_at is None:
            print("it was asked to stop and has not yet; the next worker on this database will end it", file=sys.stderr)
    raise typer.Exit(code)

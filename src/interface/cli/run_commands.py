"""`weft run`."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from interface.cli.happenings import Members
from interface.cli.launcher import quiet
from interface.cli.options import AsJson, Database, PauseAfter, PauseBefore, Record, launcher_of

if TYPE_CHECKING:
    from application.run_views import RunView


def add_to(root: typer.Typer) -> None:
    example = "Example: weft run examples/support_triage.yaml --input @examples/data/ticket.json --watch"
    root.command(epilog=example, rich_help_panel="Workflows")(run)


def run(
    context: typer.Context,
    workflow: Annotated[str, typer.Argument(metavar="FILE|NAME", help="A workflow's file, or the name of a published one.")],
    given: Annotated[str, typer.Option("--input", metavar="JSON|@FILE", help="The run's input, as a JSON object; @- reads stdin.")] = "{}",
    pause_before: PauseBefore = None,
    pause_after: PauseAfter = None,
    record: Record = None,
    watch: Annotated[bool, typer.Option("--watch", help="Show the run while it happens, on stderr.")] = False,
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """Run a workflow here, without a server, and print what it made.

    Ctrl-C cancels the run; the second Ctrl-C does not wait for that.
    """
    import asyncio

    launcher = launcher_of(context)
    from interface.cli.asking import ASKED, PAUSE, ask, is_interactive, show
    from interface.cli.documents import read_object
    from interface.cli.embedded import go_on_here, is_asking, run_here

    values = read_object(given, "--input")
    recorder = None
    if record is not None:
        from interface.cli.recording import Recorder

        recorder = Recorder(workflow, record)
    how: Members = {"watch": watch, "database_url": database, "metrics": False, "log": quiet(), "recorder": recorder}
    stops = {"pause_before": pause_before or [], "pause_after": pause_after or []}
    ended, code = asyncio.run(run_here(launcher, workflow, values, stops=stops, **how))
    acts = 0
    while ended is not None and is_asking(ended) and is_interactive():
        what = next(what for what in ended.model_dump(mode="json")["waiting_for"] if what["kind"] in ASKED)
        show(what)
        answer = typer.prompt("Enter to go on", default="", show_default=False, err=True) if what["kind"] == PAUSE else ask(what["schema"])
        acts += 1
        ended, code = asyncio.run(go_on_here(launcher, ended.id, what, answer, acts=acts, **how))
    if ended is not None:
        _tell(ended, as_json)
    raise typer.Exit(code)


def _tell(ended: "RunView", as_json: bool) -> None:
    from interface.cli.embedded import is_asking
    from interface.cli.printing import ending, print_json, print_output

    seen = ended.model_dump(mode="json")
    if as_json:
        print_json(seen)
    elif ended.status == "completed":
        print_output(seen["output"])
    print(ending(seen), file=sys.stderr)
    if is_asking(ended):
        print(f"run {ended.id} waits for somebody: let `weft serve` go on with it, and answer or resume it there", file=sys.stderr)
    elif ended.ended_at is None:
        print("it was asked to stop and has not yet; the next worker on this database will end it", file=sys.stderr)

"""`weft runs start`."""

from typing import Annotated

import typer

from interface.cli.options import AsJson, PauseAfter, PauseBefore, ServerKey, ServerUrl
from interface.cli.server_commands import runs


def add_to(_root: typer.Typer) -> None:
    runs.command("start", epilog="Example: weft runs start triage --input @ticket.json --priority high --delay 60")(start_run)


def start_run(
    workflow: Annotated[str, typer.Argument(metavar="NAME", help="A published workflow: `name`, or `name@version`.")],
    given: Annotated[str, typer.Option("--input", metavar="JSON|@FILE", help="The run's input, as a JSON object; @- reads stdin.")] = "{}",
    priority: Annotated[str | None, typer.Option(help="low, normal, high or critical; else as the workflow says.")] = None,
    delay: Annotated[float, typer.Option(metavar="SECONDS", help="Not to begin before.")] = 0.0,
    concurrency_key: Annotated[str | None, typer.Option(metavar="KEY", help="Runs of one key are executed one at a time.")] = None,
    thread: Annotated[str | None, typer.Option(metavar="ID", help="Run on this thread; else on a new one.")] = None,
    on_busy: Annotated[
        str | None, typer.Option(help="Where a run of the thread is unfinished: enqueue (the default), reject, interrupt or rollback.")
    ] = None,
    pause_before: PauseBefore = None,
    pause_after: PauseAfter = None,
    server: ServerUrl = None,
    key: ServerKey = None,
    as_json: AsJson = False,
) -> None:
    """Start a run on a service, print its id, and do not wait for it."""
    from interface.cli.client import connected
    from interface.cli.documents import read_object
    from interface.cli.printing import print_json

    order = {"workflow": workflow, "input": read_object(given, "--input"), "delay_seconds": delay}
    stops = {"pause_before": pause_before, "pause_after": pause_after}
    wishes = {"priority": priority, "concurrency_key": concurrency_key, "thread_id": thread, "on_busy": on_busy, **stops}
    with connected(server, key) as there:
        run = there.post("/v1/runs", order | {name: value for name, value in wishes.items() if value is not None})
    if as_json:
        print_json(run)
    else:
        print(run["id"])

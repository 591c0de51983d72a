"""`weft runs watch`."""

import sys

import typer

from interface.cli.happenings import Happening
from interface.cli.options import AsJson, ServerKey, ServerUrl
from interface.cli.server_commands import RunId, runs


def add_to(_root: typer.Typer) -> None:
    runs.command("watch", epilog="Example: weft runs watch 0190a1b2-...")(watch_run)


def watch_run(run: RunId, server: ServerUrl = None, key: ServerKey = None, as_json: AsJson = False) -> None:
    """Show a run from its first row to its end, on stderr, and print what it made.

    Where it waits for somebody the command that lets it go on is shown, and the watch goes on too; Ctrl-C ends the watch, not the run.
    """
    from interface.cli.client import connected
    from interface.cli.failures import Exit
    from interface.cli.live import display
    from interface.cli.printing import ending, print_json, print_output

    with connected(server, key) as there:
        title = there.get(f"/v1/runs/{run}")["workflow"]
        with display(title) as shown:
            for happening in there.follow(run, chunks=True):
                shown.see(happening)
                if (way_on := command_after(run, happening)) is not None:
                    print(f"  to go on: {way_on}", file=sys.stderr, flush=True)
        view = there.get(f"/v1/runs/{run}")
    if as_json:
        print_json(view)
    elif view["status"] == "completed":
        print_output(view["output"])
    print(ending(view), file=sys.stderr)
    if view["status"] != "completed":
        raise typer.Exit(Exit.FAILED)


def command_after(run: str, happening: Happening) -> str | None:
    """What somebody may type now; None where nobody is waited for."""
    data = happening.data
    if happening.name == "pause_requested":
        return f"weft runs resume {run}"
    if happening.name == "effect_unknown":
        return f"weft runs resolve {run} '{data['activation']}' --happened (or --did-not-happen, --failed)"
    if happening.name != "node_parked":
        return None
    if data["waiting_for"] == "human":
        return f"weft runs answer {run} --activation '{data['activation']}'"
    return next((f"weft runs signal {run} {name}" for name in data.get("signals") or ()), None)

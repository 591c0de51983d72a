"""Commands that steer a run of a service: pause, resume, signal."""

from typing import Annotated

import typer

from interface.cli.options import ServerKey, ServerUrl
from interface.cli.server_commands import RunId, runs


def add_to(root: typer.Typer) -> None:
    """They are commands of `weft runs`."""
    runs.command("pause", epilog="Example: weft runs pause 0190a1b2-... --reason 'the provider is down'")(pause_run)
    runs.command("resume", epilog="Example: weft runs resume 0190a1b2-...")(resume_run)
    runs.command("signal", epilog="""Example: weft runs signal 0190a1b2-... approved --payload '{"by": "Ada"}'""")(signal_run)

    runs.command("resolve", epilog="Example: weft runs resolve 0190a1b2-... /charge#1 --happened --output '{\"id\": 7}'")(resolve_run)


def pause_run(
    run: RunId,
    server: ServerUrl = None,
    key: ServerKey = None,
    reason: Annotated[str, typer.Option(help="Kept with the run.")] = "",
) -> None:
    """Let what is in flight in a run finish, and start nothing new."""
    from interface.cli.client import connected

    with connected(server, key) as there:
        view = there.post(f"/v1/runs/{run}/pause", {"reason": reason})
    print(f"run {run} " + (_ended(view["status"]) if view["ended_at"] else "is paused already" if view["paused"] else "is asked to pause"))


def resume_run(run: RunId, server: ServerUrl = None, key: ServerKey = None) -> None:
    """Let a paused run go on."""
    from interface.cli.client import connected

    with connected(server, key) as there:
        view = there.post(f"/v1/runs/{run}/resume")
    print(f"run {run} " + (_ended(view["status"]) if view["ended_at"] else "goes on" if view["paused"] else "is not paused"))


def signal_run(
    run: RunId,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The signal, as a `wait` node names it.")],
    payload: Annotated[
        str | None, typer.Option(metavar="JSON|@FILE", help="What the node that it wakes gets with it; @- reads stdin.")
    ] = None,
    transient: Annotated[bool, typer.Option("--transient", help="Drop it when nobody waits for it.")] = False,
    server: ServerUrl = None,
    key: ServerKey = None,
) -> None:
    """Wake a `wait` node; a signal that nobody waits for is kept for the next one."""
    from urllib.parse import quote

    from interface.cli.client import connected
    from interface.cli.documents import read_value

    given = None if payload is None else read_value(payload, "--payload")
    with connected(server, key) as there:
        order = {"payload": given, "transient": transient}
        there.post(f"/v1/runs/{run}/signals/{quote(name, safe='')}", order)
    print(f"run {run} is sent {name}")


def resolve_run(
    run: RunId,
    activation: Annotated[str, typer.Argument(metavar="ACTIVATION", help="As `weft runs show` names what needs attention.")],
    happened: Annotated[bool, typer.Option("--happened", help="It happened: the node finishes with --output.")] = False,
    did_not_happen: Annotated[bool, typer.Option("--did-not-happen", help="It did not: the tool is called again.")] = False,
    failed: Annotated[bool, typer.Option("--failed", help="The node fails with `unknown_outcome`.")] = False,
    output: Annotated[str | None, typer.Option(metavar="JSON|@FILE", help="What the tool would have returned.")] = None,
    reason: Annotated[str, typer.Option(help="Kept with the run.")] = "",
    server: ServerUrl = None,
    key: ServerKey = None,
) -> None:
    """Decide what became of a call that may happen only once and whose outcome nobody knows."""
    from interface.cli.client import connected
    from interface.cli.documents import read_value

    said = [name for name, is_said in (("happened", happened), ("did_not_happen", did_not_happen), ("failed", failed)) if is_said]
    if len(said) != 1:
        raise typer.BadParameter("say one of --happened, --did-not-happen and --failed")
    given = None if output is None else read_value(output, "--output")
    with connected(server, key) as there:
        there.post(f"/v1/runs/{run}/resolve", {"activation": activation, "decision": said[0], "output": given, "reason": reason})
    print(f"run {run} goes on: {activation} {said[0].replace('_', ' ')}")


def _ended(status: str) -> str:
    return f"had ended before: {status}"

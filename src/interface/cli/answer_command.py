"""`weft runs answer`."""

from typing import Annotated

import typer

from interface.cli.client import Server
from interface.cli.happenings import Members
from interface.cli.options import ServerKey, ServerUrl
from interface.cli.server_commands import RunId, runs


def add_to(_root: typer.Typer) -> None:
    runs.command("answer", epilog="""Example: weft runs answer 0190a1b2-... --input '{"approved": true}'""")(answer_run)


def answer_run(
    run: RunId,
    activation: Annotated[
        str | None, typer.Option(metavar="ACTIVATION", help="Which question, as `weft runs show` names it; else the only one.")
    ] = None,
    given: Annotated[str | None, typer.Option("--input", metavar="JSON|@FILE", help="The answer; else it is asked for here.")] = None,
    server: ServerUrl = None,
    key: ServerKey = None,
) -> None:
    """Answer what a run asks a person. The first answer counts."""
    from interface.cli.asking import ask, is_interactive, show
    from interface.cli.client import connected
    from interface.cli.documents import read_value
    from interface.cli.failures import CommandFailed

    with connected(server, key) as there:
        what = _asked(there, run, activation)
        if given is None and not is_interactive():
            raise CommandFailed("nobody is here to be asked: give the answer with --input")
        if given is None:
            show(what)
        answer = ask(what["schema"]) if given is None else read_value(given, "--input")
        order = {"activation": what["activation"], "answer": answer}
        there.post(f"/v1/runs/{run}/answers", order | ({"asked_at": what["about"]["asked_at"]} if what.get("about") else {}))
    print(f"run {run} goes on: {what['activation']} is answered")


def _asked(there: Server, run: str, activation: str | None) -> Members:
    """The question that is meant. One that is not asked (any more) is left to the service to tell about."""
    from interface.cli.failures import CommandFailed

    found = there.get(f"/v1/runs/{run}")
    asked: list[Members] = [what for what in found["waiting_for"] if what["kind"] == "human"]
    meant = [what for what in asked if activation in (None, what["activation"])]
    if len(meant) == 1:
        return meant[0]
    if activation is not None:
        return {"activation": activation, "kind": "human", "show": None, "schema": None}
    names = ", ".join(what["activation"] for what in asked)
    raise CommandFailed(
        f"run {run} asks several questions: say --activation, one of {names}"
        if asked
        else f"run {run} is {found['status']} and asks nothing"
    )

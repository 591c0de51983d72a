"""`weft replay`."""

from pathlib import Path
from typing import Annotated

import typer

from interface.cli.launcher import quiet
from interface.cli.options import AsJson, Database, launcher_of


def add_to(root: typer.Typer) -> None:
    root.command(epilog="Example: weft replay triage.cassette.yaml triage.yaml", rich_help_panel="Workflows")(replay)


def replay(
    context: typer.Context,
    cassette: Annotated[Path, typer.Argument(help="What `weft run --record` wrote.")],
    workflow: Annotated[
        str | None,
        typer.Argument(metavar="[FILE|NAME]", help="Play it with this workflow; else with the recorded one.", show_default=False),
    ] = None,
    prompt: Annotated[
        list[Path] | None, typer.Option("--prompt", metavar="FILE", help="A newer version of a published prompt that the run used.")
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option("--model", metavar="NAME=MODEL", help="What the calls would cost if NAME stood for MODEL.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Also what is asked otherwise, or not any more, is a difference.")] = False,
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """Play a recorded run again, offline, and say what comes out otherwise: path, output, tokens, cost.

    No model and no tool is called. Exit code 0: all the same; 1: something differs; 2: wrong use.
    """
    launcher = launcher_of(context)
    from interface.cli import replaying
    from interface.cli.failures import Exit
    from interface.cli.printing import print_json
    from interface.cli.recording import read_cassette

    tape = read_cassette(cassette)
    changed = replaying.changed_by(launcher, workflow, prompt or [], database)
    models = _models(model or [])
    found = replaying.replayed(launcher, tape, changed, models, log=quiet())
    replaying.must_be_asked(found, models)
    if as_json:
        print_json(replaying.as_json(found))
    else:
        print(*replaying.lines_of(found), sep="\n")
    is_same = found.is_same and (found.is_asked_the_same or not strict)
    raise typer.Exit(Exit.DONE if is_same else Exit.FAILED)


def _models(written: list[str]) -> dict[str, str]:
    from interface.cli.failures import CommandFailed

    pairs = [one.partition("=") for one in written]
    wrong = next((one for one, (name, _, target) in zip(written, pairs, strict=True) if not name or not target), None)
    if wrong is not None:
        raise CommandFailed(f"--model {wrong}: say which name stands for which model, as `--model fast=openai/gpt-4o-mini`")
    return {name: target for name, _, target in pairs}

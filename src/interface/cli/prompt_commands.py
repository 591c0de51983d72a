"""`weft prompts`: publish prompts, try them, compare versions, say who gets which."""

from pathlib import Path
from typing import Annotated

import typer

from interface.cli.options import AsJson, Limit, ServerKey, ServerUrl

prompts = typer.Typer(help="Prompts as documents with versions, for nodes to use by name.", no_args_is_help=True)

Reference = Annotated[str, typer.Argument(metavar="NAME[@N]", help="support/answer@3; without a number the newest.")]
Variables = Annotated[str | None, typer.Option("--vars", metavar="JSON|@FILE", help="An object of values; @- reads stdin.")]
Variable = Annotated[
    list[str] | None,
    typer.Option("--var", metavar="NAME=TEXT", help="One value; NAME:=JSON for what is no text. May be said several times."),
]


def add_to(root: typer.Typer) -> None:
    root.add_typer(prompts, name="prompts", rich_help_panel="A running service")


@prompts.command("publish", epilog="Example: weft prompts publish answer.yaml")
def publish_prompt(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A prompt as YAML or JSON.")],
    server: ServerUrl = None,
    key: ServerKey = None,
) -> None:
    """Publish a prompt under the next number of its name. The same content again is the same version."""
    from interface.cli.client import connected
    from interface.cli.documents import read_bytes

    media_type = "application/json" if file.suffix == ".json" else "application/yaml"
    with connected(server, key) as there:
        view, fresh = there.post_document("/v1/prompts", read_bytes(file), media_type, str(file))
    print(f"{'published' if fresh else 'was already published:'} {view['name']}@{view['version']} ({view['hash'][:12]})")


@prompts.command("list", epilog="Example: weft prompts list")
def list_prompts(
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="All versions of this one, with their shares; else the newest of each.")
    ] = "",
    server: ServerUrl = None,
    key: ServerKey = None,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """Prompts by name, or the versions of one."""
    from interface.cli.prompting import listed

    listed(name, server, key, limit, as_json)


@prompts.command("show", epilog="Example: weft prompts show support/answer@3")
def show_prompt(reference: Reference, server: ServerUrl = None, key: ServerKey = None, as_json: AsJson = False) -> None:
    """A version's document as YAML; with --json all about it."""
    from interface.cli.prompting import shown

    shown(reference, server, key, as_json)


@prompts.command("render", epilog="Example: weft prompts render support/answer@3 --var ticket='It is broken' --var urgent:=true")
def render_prompt(
    reference: Reference,
    var: Variable = None,
    variables: Variables = None,
    server: ServerUrl = None,
    key: ServerKey = None,
    as_json: AsJson = False,
) -> None:
    """Print what a model would be told. No model is asked."""
    from interface.cli.prompting import rendered

    rendered(reference, var or [], variables, server, key, as_json)


@prompts.command("diff", epilog="Example: weft prompts diff support/answer 2 3 --var ticket='It is broken'")
def diff_prompts(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The prompt.")],
    before: Annotated[int, typer.Argument(metavar="A", min=1, help="One version.")],
    after: Annotated[int, typer.Argument(metavar="B", min=1, help="The other.")],
    var: Variable = None,
    variables: Variables = None,
    server: ServerUrl = None,
    key: ServerKey = None,
) -> None:
    """What differs between two versions; with variables also in the text that they render."""
    from interface.cli.prompting import compared

    compared(name, (before, after), var or [], variables, server, key)


@prompts.command("rollout", epilog="Example: weft prompts rollout support/answer 3=90 4=10")
def roll_out_prompt(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The prompt.")],
    shares: Annotated[list[str] | None, typer.Argument(metavar="[N=PERCENT]...", help="100 together; none at all: the newest.")] = None,
    server: ServerUrl = None,
    key: ServerKey = None,
) -> None:
    """Say which version those get that name none. Runs under way keep theirs."""
    from interface.cli.prompting import rolled_out

    rolled_out(name, shares or [], server, key)

"""Commands about workflow documents: check, draw, publish, import."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from interface.cli.options import Document, Out, ServerKey, ServerUrl, launcher_of


class Picture(StrEnum):
    MERMAID = "mermaid"
    DOT = "dot"
    SVG = "svg"
    TEXT = "text"


class Foreign(StrEnum):
    WFFORMAT = "wfformat"


class Ready(StrEnum):
    DOCUMENT = "document"
    LONGEST_PATH = "longest_path"


def add_to(root: typer.Typer) -> None:
    root.command(epilog="Example: weft validate examples/*.yaml", rich_help_panel="Workflows")(validate)
    root.command(epilog="Example: weft graph examples/support_triage.yaml --format svg --out triage.svg", rich_help_panel="Workflows")(
        graph
    )
    root.command(epilog="Example: weft publish examples/support_triage.yaml", rich_help_panel="Workflows")(publish)
    example = "Example: weft import --format wfformat montage.json --scale 0.01 --out montage.yaml"
    root.command("import", epilog=example, rich_help_panel="Workflows")(import_)


def validate(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Workflows as YAML or JSON.")],
    database: Annotated[str | None, typer.Option(metavar="URL", help="Where the workflows are published that the files name.")] = None,
) -> None:
    """Say everything that is wrong with workflows, with file, line and column. Nothing is executed."""
    import asyncio

    from interface.cli.checking import validate as check

    raise typer.Exit(asyncio.run(check(launcher_of(context), files, database)))


def graph(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A workflow as YAML or JSON; with --costs the NAME of a published one.")],
    language: Annotated[
        Picture, typer.Option("--format", help="mermaid for Markdown, dot for Graphviz, svg for browsers, text for a table of --costs.")
    ] = Picture.MERMAID,
    costs: Annotated[bool, typer.Option("--costs", help="With what each way cost in the newest runs at a service.")] = False,
    since: Annotated[str | None, typer.Option(metavar="TIME", help="Of runs from then on: 7d, 24h, 2026-05-04.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="Of so many runs, the newest.")] = 50,
    out: Out = None,
    server: ServerUrl = None,
    key: ServerKey = None,
) -> None:
    """Draw a workflow.

    With --costs: NAME or NAME@VERSION, as it was published at a running service.
    """
    import asyncio

    if costs:
        from interface.cli.client import connected
        from interface.cli.way_costs import show_costs

        with connected(server, key) as there:
            return show_costs(there, str(file), language.value, since, limit, out)
    if language is Picture.TEXT:
        raise typer.BadParameter("text is for --costs; use mermaid, dot or svg")
    from interface.cli.checking import draw
    from interface.cli.documents import write_text

    return write_text(asyncio.run(draw(launcher_of(context), file, language.value)), out)


def publish(file: Document, server: ServerUrl = None, key: ServerKey = None) -> None:
    """Publish a workflow at a running service, where it can be started by name."""
    from interface.cli.client import connected
    from interface.cli.documents import read_bytes

    media_type = "application/json" if file.suffix == ".json" else "application/yaml"
    with connected(server, key) as there:
        view, fresh = there.post_document("/v1/workflows", read_bytes(file), media_type, str(file))
    print(f"{'published' if fresh else 'was already published:'} {view['name']}@{view['version']} ({view['hash'][:12]})")


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A workflow of another system.")],
    source: Annotated[Foreign, typer.Option("--format", help="wfformat: WfCommons' WfFormat, as recorded runs come.")],
    scale: Annotated[float, typer.Option(min=0, help="Recorded seconds are multiplied by this.")] = 1.0,
    concurrency: Annotated[int, typer.Option(min=1, help="How many tasks may run at once.")] = 8,
    order: Annotated[Ready, typer.Option(help="Which tasks come first where many are ready.")] = Ready.DOCUMENT,
    out: Out = None,
) -> None:
    """Turn a workflow of another system into one of ours, whose tasks wait as long as the recorded ones took."""
    from interface.cli.importing import imported

    imported(file, scale, concurrency, order.value, out)

"""`weft generate`: a model writes a workflow; somebody looks at it before it is published."""

from typing import Annotated

import typer

from interface.cli.options import AsJson, Out, ServerKey, ServerUrl


def add_to(root: typer.Typer) -> None:
    example = "Example: weft generate 'Classify a support ticket, and answer it unless it is about billing' --out triage.yaml"
    root.command(epilog=example, rich_help_panel="Workflows")(generate)


def generate(
    description: Annotated[str, typer.Argument(metavar="TEXT", help="What the workflow is to do.")],
    model: Annotated[
        str, typer.Option(help="An alias or a model of the service. The offline ones (scripted/...) write no workflows.")
    ] = "fast",
    repairs: Annotated[int, typer.Option(min=0, max=10, help="How often the model may mend what it wrote.")] = 3,
    seconds: Annotated[int, typer.Option(min=1, max=600, help="For all of it.")] = 300,
    out: Out = None,
    server: ServerUrl = None,
    key: ServerKey = None,
    as_json: AsJson = False,
) -> None:
    """Have a model of a running service write a workflow. It is printed, and neither published nor run.

    The service needs a provider's key, as OPENAI_API_KEY in the environment of `weft serve`; then say --model openai/gpt-4o, or make it
    the alias `fast` by WEFT_MODELS__fast. `weft models list` says which models can be used.

    Exit code 0 when it is valid, 1 when something is still wrong with it.
    """
    from interface.cli.generating import generated

    order = {"description": description, "model": model, "repairs": repairs, "seconds": seconds}
    raise typer.Exit(generated(order, out, server, key, as_json))

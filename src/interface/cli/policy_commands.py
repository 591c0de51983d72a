"""`weft policy`: what the owner's policy says, and why."""

from typing import Annotated

import typer

from interface.cli.options import AsJson, Database, launcher_of

policy = typer.Typer(help="The policy that decides which tools may be called.", no_args_is_help=True)


def add_to(root: typer.Typer) -> None:
    root.add_typer(policy, name="policy", rich_help_panel="For its owner")


@policy.command("check", epilog="Example: weft policy check --tool calculator --role operator")
def check(
    context: typer.Context,
    tool: Annotated[str, typer.Option(metavar="NAME", help="The tool that would be called.")],
    role: Annotated[str | None, typer.Option(help="By hand, with a key of this role.")] = None,
    session: Annotated[str | None, typer.Option(metavar="ID", help="By a run of this session.")] = None,
    workflow: Annotated[str | None, typer.Option(metavar="NAME[@VERSION]", help="By a run of this workflow.")] = None,
    agent: Annotated[str, typer.Option(metavar="NAME", help="By this agent.")] = "",
    tenant: Annotated[str, typer.Option(help="Of this tenant.")] = "default",
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Say whether a call would be allowed, and what each link of the chain behind it says.

    Exit code 0 when it is allowed, 1 when somebody would be asked or it is denied. The database is opened only for a session, for a
    workflow, or when --database names it.
    """
    import asyncio

    from interface.cli.deciding import Asked, explain

    raise typer.Exit(asyncio.run(explain(launcher_of(context), Asked(tool, role, session, workflow, agent), tenant, database, as_json)))


@policy.command("show", epilog="Example: weft policy show")
def show(context: typer.Context, as_json: AsJson = False) -> None:
    """The rules of the file that WEFT_POLICY names."""
    import asyncio

    from interface.cli.deciding import show as show_it

    asyncio.run(show_it(launcher_of(context), as_json))

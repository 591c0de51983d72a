"""Commands about the tools of a running service."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from interface.cli.happenings import Members
from interface.cli.options import AsJson, Limit, ServerKey, ServerUrl
from interface.cli.server_commands import items_of, print_list

if TYPE_CHECKING:
    from interface.cli.client import Server

tools = typer.Typer(help="Look at the tools of a service, try one by hand, add your own.", no_args_is_help=True)

ToolName = Annotated[str, typer.Argument(metavar="TOOL", help="Its name, as `weft tools list` shows it.")]
Documents = Annotated[list[Path], typer.Argument(metavar="FILE...", exists=True, dir_okay=False, help="JSON or YAML, one tool each.")]


def add_to(root: typer.Typer) -> None:
    root.add_typer(tools, name="tools", rich_help_panel="A running service")


@tools.command("list", epilog="Example: weft tools list --type rest --tag github --search issue")
def list_tools(
    server: ServerUrl = None,
    key: ServerKey = None,
    kind: Annotated[str | None, typer.Option("--type", help="builtin, native, rest or mcp.")] = None,
    tag: Annotated[str | None, typer.Option(help="One of its tags.")] = None,
    author: Annotated[str | None, typer.Option(help="Its author.")] = None,
    search: Annotated[str | None, typer.Option(metavar="WORDS", help="In the name or the description.")] = None,
    limit: Limit = 200,
    as_json: AsJson = False,
) -> None:
    """Tools that workflows may call."""
    found = items_of(server, key, "/v1/tools", limit, type=kind, tag=tag, author=author, search=search)
    titles = ("TOOL", "TYPE", "EFFECTS", "WHAT IT DOES")
    print_list(found, as_json, titles, lambda tool: (tool["name"], tool["type"], tool["effects"], tool["description"].partition("\n")[0]))


@tools.command("show", epilog="Example: weft tools show github_get_issue --document > tool.json")
def show_tool(
    name: ToolName,
    server: ServerUrl = None,
    key: ServerKey = None,
    document: Annotated[bool, typer.Option("--document", help="The document that it was registered with.")] = False,
) -> None:
    """Everything about a tool, as JSON."""
    from interface.cli.client import connected
    from interface.cli.printing import print_json

    with connected(server, key) as there:
        print_json(there.get(f"/v1/tools/{_quoted(name)}" + ("/document" if document else "")))


@tools.command("call", epilog="""Example: weft tools call calculator '{"expression": "6 * 7"}'""")
def call_tool(
    name: ToolName,
    given: Annotated[str | None, typer.Argument(metavar="ARGUMENTS", help="A JSON object, or @FILE; @- reads stdin.")] = None,
    arguments: Annotated[str | None, typer.Option(metavar="JSON|@FILE", help="The same, as an option.")] = None,
    server: ServerUrl = None,
    key: ServerKey = None,
    as_json: AsJson = False,
) -> None:
    """Call a tool once, outside any run, and print what it answers."""
    from interface.cli.client import connected
    from interface.cli.documents import read_object
    from interface.cli.failures import CommandFailed, Exit
    from interface.cli.printing import print_json, print_output

    values = read_object(given or arguments or "{}", "ARGUMENTS" if given else "--arguments")
    with connected(server, key) as there:
        result = there.post(f"/v1/tools/{_quoted(name)}/call", {"arguments": values})
    if as_json:
        print_json(result)
    elif result["success"]:
        print_output(result["output"])
    if not result["success"]:
        raise CommandFailed(f"{name} failed: {result['error']['message']} ({result['error']['code']})", code=Exit.FAILED)


@tools.command("add", epilog="Example: weft tools add github_get_issue.yaml")
def add_tools(files: Documents, server: ServerUrl = None, key: ServerKey = None) -> None:
    """Register tools that are data, or replace those of the same name."""
    from interface.cli.client import connected

    with connected(server, key) as there:
        for file in files:
            tool, is_new = _posted(there, "/v1/tools", file)
            print(f"{tool['name']} is {'registered' if is_new else 'replaced'}: try it with `weft tools call {tool['name']} ...`")


@tools.command("check", epilog="Example: weft tools check github_get_issue.yaml")
def check_tools(files: Documents, server: ServerUrl = None, key: ServerKey = None) -> None:
    """Say everything that is wrong with tools' documents; registers nothing. Exit code 2 when something is."""
    from interface.cli.client import connected
    from interface.cli.failures import CommandFailed, Exit, detail

    with connected(server, key) as there:
        found = {str(file): _posted(there, "/v1/tools/validate", file)[0] for file in files}
    for file in found:
        if found[file]["valid"]:
            print(f"{file}: valid")
    wrong = [detail(**problem, file=file) for file, one in found.items() for problem in one["problems"]]
    if wrong:
        raise CommandFailed("not every document describes a tool", wrong, Exit.WRONG_USE)


@tools.command("remove", epilog="Example: weft tools remove github_get_issue")
def remove_tool(name: ToolName, server: ServerUrl = None, key: ServerKey = None) -> None:
    """Remove a tool that was registered; workflows that name it fail there from now on."""
    from interface.cli.client import connected

    with connected(server, key) as there:
        there.delete(f"/v1/tools/{_quoted(name)}")
    print(f"{name} is removed")


def _posted(there: "Server", path: str, file: Path) -> tuple[Members, bool]:
    from interface.cli.documents import read_bytes

    media_type = "application/json" if file.suffix == ".json" else "application/yaml"
    return there.post_document(path, read_bytes(file), media_type, str(file))


def _quoted(name: str) -> str:
    from urllib.parse import quote

    return quote(name, safe="")

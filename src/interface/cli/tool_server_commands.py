"""Commands about servers whose tools are called: how they are, and what of theirs is approved."""

from typing import Annotated

import typer

from interface.cli.happenings import Members
from interface.cli.options import AsJson, ServerKey, ServerUrl
from interface.cli.tool_commands import tools

McpServer = Annotated[str, typer.Argument(metavar="SERVER", help="Its name in the settings.")]
ItsTool = Annotated[str | None, typer.Argument(metavar="TOOL", help="As the server calls it; all that wait, where none is named.")]


def add_to(root: typer.Typer) -> None:
    """They stand among the commands about tools."""
    tools.command("servers", epilog="Example: weft tools servers")(list_servers)
    tools.command("approve", epilog="Example: weft tools approve git git_status")(approve_tools)


def list_servers(server: ServerUrl = None, key: ServerKey = None, as_json: AsJson = False) -> None:
    """MCP servers: whether they are there, and which of their tools wait for approval."""
    from interface.cli.client import connected
    from interface.cli.printing import print_json, print_table

    with connected(server, key) as there:
        found = there.get("/v1/tool-servers")["items"]
    if as_json:
        print_json(found)
        return
    titles = ("SERVER", "STATE", "SINCE", "RESTARTS", "TOOLS", "WAITING", "LAST ERROR")
    print_table(titles, [_row(one) for one in found])
    for one in found:
        for waiting in one["waiting"]:
            what = "is new" if waiting["is_new"] else "has changed"
            print(f"{waiting['name']} {what}: weft tools approve {one['name']} {waiting['tool']}")


def approve_tools(
    name: McpServer,
    tool: ItsTool = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    server: ServerUrl = None,
    key: ServerKey = None,
) -> None:
    """Show what a server says of tools that wait for approval, and let them be called."""
    from urllib.parse import quote

    from interface.cli.client import connected
    from interface.cli.failures import CommandFailed

    with connected(server, key) as there:
        waiting = _waiting(there.get("/v1/tool-servers")["items"], name, tool)
        for one in waiting:
            print(f"{one['name']} {'is new' if one['is_new'] else 'has changed'}:")
            print("\n".join(f"  {line}" for line in one["difference"]))
        if not yes and not typer.confirm("May they be called as they are described here?", err=True):
            raise CommandFailed("nothing is approved")
        digests = {one["tool"]: one["digest"] for one in waiting}
        there.post(f"/v1/tool-servers/{quote(name, safe='')}/approve", {"tools": digests})
    print(f"approved: {', '.join(one['name'] for one in waiting)}")


def _row(one: Members) -> tuple[str, ...]:
    counts = (one["restarts"], len(one["tools"]), len(one["waiting"]))
    return (one["name"], one["state"], one["since"], *(str(count) for count in counts), one["last_error"])


def _waiting(servers: list[Members], name: str, tool: str | None) -> list[Members]:
    from interface.cli.failures import CommandFailed, Exit

    found = next((one for one in servers if one["name"] == name), None)
    if found is None:
        known = ", ".join(one["name"] for one in servers) or "none"
        raise CommandFailed(f"there is no server {name}; there are {known}", code=Exit.WRONG_USE)
    waiting: list[Members] = [one for one in found["waiting"] if tool in (None, one["tool"])]
    if not waiting:
        what = f"the tool {tool} of {name} does not wait" if tool else f"no tool of {name} waits"
        raise CommandFailed(f"{what} for approval{': ' + found['last_error'] if found['last_error'] else ''}")
    return waiting

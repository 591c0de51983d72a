"""`weft threads show`, `branch`, `branches`, `tree`, `rerun`: threads, and other ways from a position of one."""

import sys
from typing import Annotated

import typer

from interface.cli.happenings import Members
from interface.cli.options import AsJson, Limit, ServerKey, ServerUrl
from interface.cli.server_commands import ThreadId, threads

At = Annotated[int | None, typer.Option(min=0, metavar="POSITION", help="From the row there on; else from now on.")]
Name = Annotated[str | None, typer.Option(help="What the branch is called.")]


def add_to(_root: typer.Typer) -> None:
    threads.command("show", epilog="Example: weft threads show 0190a1b2-...")(show_thread)
    threads.command("branch", epilog="Example: weft threads branch 0190a1b2-... --at 12 --name 'another answer'")(branch_thread)
    threads.command("branches", epilog="Example: weft threads branches 0190a1b2-...")(list_branches)
    threads.command("tree", epilog="Example: weft threads tree 0190a1b2-...")(show_tree)
    threads.command("rerun", epilog="Example: weft threads rerun 0190a1b2-... --at 12 --workflow triage@2.0.0")(run_again)


def show_thread(thread: ThreadId, server: ServerUrl = None, key: ServerKey = None) -> None:
    """Everything about a thread, as JSON; what it holds is told by `weft threads state`."""
    from interface.cli.client import connected
    from interface.cli.printing import print_json

    with connected(server, key) as there:
        print_json(there.get(f"/v1/threads/{thread}"))


def branch_thread(
    thread: ThreadId,
    at: At = None,
    name: Name = None,
    goes_on: Annotated[bool, typer.Option("--continue", help="The run under way there goes on in the branch.")] = False,
    server: ServerUrl = None,
    key: ServerKey = None,
    as_json: AsJson = False,
) -> None:
    """Open a thread that shares this one's past up to a position, and print its id."""
    from interface.cli.client import connected
    from interface.cli.printing import print_json

    with connected(server, key) as there:
        made = there.post(f"/v1/threads/{thread}/branches", {"at": at, "name": name, "continue": goes_on})
    if as_json:
        return print_json(made)
    print(made["id"])
    if made["run_id"] is not None:
        print(f"run {made['run_id']} goes on in it", file=sys.stderr)
    return None


def list_branches(thread: ThreadId, server: ServerUrl = None, key: ServerKey = None, limit: Limit = 20, as_json: AsJson = False) -> None:
    """Branches of a thread, newest first."""
    from interface.cli.client import connected
    from interface.cli.printing import print_json, print_table

    with connected(server, key) as there:
        found = there.items(f"/v1/threads/{thread}/branches", limit)
    if as_json:
        return print_json(found)
    rows = ((one["id"], str(one["parent_position"]), one["state"], one["name"] or "", one["created_at"]) for one in found)
    return print_table(("THREAD", "FROM", "STATE", "NAME", "CREATED"), rows)


def show_tree(thread: ThreadId, server: ServerUrl = None, key: ServerKey = None, as_json: AsJson = False) -> None:
    """A thread and all that came from it."""
    from interface.cli.client import connected
    from interface.cli.printing import print_json

    with connected(server, key) as there:
        found = there.get(f"/v1/threads/{thread}/tree")
    if as_json:
        return print_json(found)
    _print_tree(found["items"])
    if found["truncated"]:
        print("there is more below", file=sys.stderr)
    return None


def _print_tree(found: list[Members]) -> None:
    """Parents come before their children."""
    from rich.console import Console
    from rich.tree import Tree

    top = Tree(_label(found[0]))
    nodes = {found[0]["id"]: top}
    for one in found[1:]:
        nodes[one["id"]] = nodes[one["parent_id"]].add(_label(one))
    Console(markup=False, highlight=False, soft_wrap=True).print(top)


def _label(one: Members) -> str:
    start = "" if one["parent_position"] is None else f" from {one['parent_position']}"
    return " ".join(part for part in (one["id"], f"{one['type']}{start},", one["state"], one["name"]) if part)


def run_again(
    thread: ThreadId,
    at: At = None,
    workflow: Annotated[str | None, typer.Option(metavar="NAME", help="Another one than that of the run there.")] = None,
    given: Annotated[str | None, typer.Option("--input", metavar="JSON|@FILE", help="Another input than that of the run there.")] = None,
    values: Annotated[str | None, typer.Option("--edit", metavar="JSON|@FILE", help="Channels to change first, as an object.")] = None,
    name: Name = None,
    server: ServerUrl = None,
    key: ServerKey = None,
    as_json: AsJson = False,
) -> None:
    """Branch at a position and run again there; the thread itself stays as it is. Prints the run's id."""
    from interface.cli.client import connected
    from interface.cli.documents import read_object
    from interface.cli.printing import print_json

    order = {
        "at": at,
        "workflow": workflow,
        "name": name,
        "input": None if given is None else read_object(given, "--input"),
        "edits": None if values is None else {"values": read_object(values, "--edit")},
    }
    with connected(server, key) as there:
        made = there.post(f"/v1/threads/{thread}/runs", {member: value for member, value in order.items() if value is not None})
    if as_json:
        return print_json(made)
    print(made["run"]["id"])
    print(f"on the branch {made['thread']['id']}", file=sys.stderr)
    return None

"""`weft threads open`, `children`: threads below a thread, and what they came to."""

from typing import Annotated, Final

import typer

from interface.cli.options import AsJson, ServerKey, ServerUrl
from interface.cli.server_commands import ThreadId, threads

_AT_A_TIME: Final = 20.0
"""Seconds that one request waits: less than the client's patience."""


def add_to(_root: typer.Typer) -> None:
    threads.command("open", epilog="Example: weft threads open --parent 0190a1b2-... --on-failure fail_fast")(open_thread)
    threads.command("children", epilog="Example: weft threads children 0190a1b2-... --wait 60")(join_children)


def open_thread(
    name: Annotated[str | None, typer.Option(help="What the thread is called.")] = None,
    parent: Annotated[str | None, typer.Option(metavar="THREAD", help="Below this one; else it is a main thread.")] = None,
    session: Annotated[str | None, typer.Option(metavar="SESSION", help="In this session.")] = None,
    kind: Annotated[str | None, typer.Option("--type", help="parallel (default below a parent) or sequential.")] = None,
    on_failure: Annotated[str | None, typer.Option(help="Of a parallel one: collect (default), or fail_fast.")] = None,
    priority: Annotated[str | None, typer.Option(help="low, normal, high or critical: of runs on it that say none.")] = None,
    server: ServerUrl = None,
    key: ServerKey = None,
    as_json: AsJson = False,
) -> None:
    """Open a thread, and print its id."""
    from interface.cli.client import connected
    from interface.cli.printing import print_json

    order = {"name": name, "parent_id": parent, "session_id": session, "thread_type": kind, "on_failure": on_failure, "priority": priority}
    with connected(server, key) as there:
        made = there.post("/v1/threads", {member: value for member, value in order.items() if value is not None})
    return print_json(made) if as_json else print(made["id"])


def join_children(
    thread: ThreadId,
    wait: Annotated[float, typer.Option(min=0, max=300, help="Seconds to wait until each has ended or needs somebody.")] = 0,
    server: ServerUrl = None,
    key: ServerKey = None,
    as_json: AsJson = False,
) -> None:
    """What the threads below a thread came to. Ends with 1 when one of them failed."""
    from interface.cli.client import connected
    from interface.cli.printing import print_json, print_table

    with connected(server, key) as there:
        found = there.get(f"/v1/threads/{thread}/children", wait=str(min(wait, _AT_A_TIME)))
        while found["state"] == "running" and (wait := wait - _AT_A_TIME) > 0:
            found = there.get(f"/v1/threads/{thread}/children", wait=str(min(wait, _AT_A_TIME)))
    if as_json:
        print_json(found)
    else:
        rows = ((one["id"], one["name"] or "", one["type"], one["state"], one["run_id"] or "") for one in found["items"])
        print_table(("THREAD", "NAME", "TYPE", "STATE", "RUN"), rows)
    if any(one["state"] == "failed" for one in found["items"]):
        raise typer.Exit(1)

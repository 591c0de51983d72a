"""`weft threads state`, `history`, `diff`, `edit`, `restore`: what a thread holds, how it came to that, and how to change it."""

from collections.abc import Iterator
from itertools import islice
from typing import Annotated

import typer

from interface.cli.client import Server
from interface.cli.happenings import Members
from interface.cli.options import AsJson, Limit, ServerKey, ServerUrl
from interface.cli.server_commands import ThreadId, threads

Expected = Annotated[int | None, typer.Option("--expect", min=0, metavar="POSITION", help="Only if the thread still ends there.")]
Reason = Annotated[str, typer.Option(help="Kept with the change.")]
_PAGE = 200


def add_to(_root: typer.Typer) -> None:
    threads.command("state", epilog="Example: weft threads state 0190a1b2-... --at 12")(show_state)
    threads.command("history", epilog="Example: weft threads history 0190a1b2-... --user ada --limit 20")(show_history)
    threads.command("diff", epilog="Example: weft threads diff 0190a1b2-... 3 12")(show_difference)
    threads.command("edit", epilog="Example: weft threads edit 0190a1b2-... --set label='\"billing\"' --reason 'wrong label'")(edit_state)
    threads.command("restore", epilog="Example: weft threads restore 0190a1b2-... --to 12 --reason 'wrong answer'")(restore_state)


def show_state(
    thread: ThreadId,
    at: Annotated[int | None, typer.Option(min=0, metavar="POSITION", help="After the row there; else now.")] = None,
    server: ServerUrl = None,
    key: ServerKey = None,
    as_json: AsJson = False,
) -> None:
    """What a thread holds now, or held at a position, and the run under way there."""
    from interface.cli.changes import shown
    from interface.cli.client import connected
    from interface.cli.printing import print_json, print_table

    with connected(server, key) as there:
        found = there.get(f"/v1/threads/{thread}/state", at=at)
    if as_json:
        return print_json(found)
    print_table(
        ("CHANNEL", f"VALUE AT {found['position']} OF {found['end']}"), ((name, shown(held)) for name, held in found["values"].items())
    )
    if (run := found["run"]) is not None:
        visits = ", ".join(f"{visit['path']} {visit['status']}" for visit in run["activations"])
        typer.echo(f"run {run['id']} is {run['status']} there: {visits or 'nothing in flight'}", err=True)
    return None


def show_history(
    thread: ThreadId,
    after: Annotated[int, typer.Option(min=0, metavar="POSITION", help="Only what came after.")] = 0,
    user: Annotated[str | None, typer.Option(help="Only what this one edited.")] = None,
    operation: Annotated[str | None, typer.Option(help="create, update, delete or restore.")] = None,
    limit: Limit = 100,
    server: ServerUrl = None,
    key: ServerKey = None,
    as_json: AsJson = False,
) -> None:
    """Who or what changed a thread, when and where, oldest first."""
    from interface.cli.client import connected
    from interface.cli.printing import print_json, print_table

    with connected(server, key) as there:
        found = list(islice(_entries(there, thread, after, min(limit, _PAGE), user=user, operation=operation), limit))
    if as_json:
        return print_json(found)
    return print_table(("POSITION", "WHEN", "WHO", "PATH", "CHANGE"), (row for entry in found for row in _rows(entry)))


def _entries(there: Server, thread: str, after: int, page_size: int, **picked: str | None) -> Iterator[Members]:
    """Every entry, page by page as they are wanted; a page may be short before the last one."""
    position: int | None = after
    while position is not None:
        page = there.get(f"/v1/threads/{thread}/history", after=position, limit=page_size, **picked)
        yield from page["items"]
        position = None if page["next_cursor"] is None else int(page["next_cursor"])


def _rows(entry: Members) -> Iterator[tuple[str, ...]]:
    from interface.cli.changes import moved

    who = entry["user_id"] or entry["node"] or "the run's input"
    for change in entry["changes"]:
        yield (str(entry["position"]), entry["timestamp"], who, change["field_path"], moved(change))


def show_difference(
    thread: ThreadId,
    start: Annotated[int, typer.Argument(metavar="FROM", min=0, help="A position.")],
    to: Annotated[int | None, typer.Argument(metavar="TO", min=0, help="Another, before or after; else now.")] = None,
    server: ServerUrl = None,
    key: ServerKey = None,
    as_json: AsJson = False,
) -> None:
    """What turns the state at one position into the state at another."""
    from interface.cli.client import connected

    with connected(server, key) as there:
        found = there.get(f"/v1/threads/{thread}/diff", **{"from": start, "to": to})
    _tell(found, as_json)


def edit_state(
    thread: ThreadId,
    values: Annotated[
        list[str] | None, typer.Option("--set", metavar="CHANNEL=JSON|@FILE", help="A channel's new value; repeatable.")
    ] = None,
    delete: Annotated[
        list[str] | None, typer.Option("--delete", metavar="POINTER", help="What to take away, as /notes/0; repeatable.")
    ] = None,
    expected: Expected = None,
    reason: Reason = "",
    server: ServerUrl = None,
    key: ServerKey = None,
    as_json: AsJson = False,
) -> None:
    """Change what a thread holds, all of it or nothing."""
    from interface.cli.client import connected
    from interface.cli.documents import read_value

    if bool(values) == bool(delete):
        raise typer.BadParameter("say --set or --delete, one of the two")
    pairs = [written.partition("=") for written in values or ()]
    if wrong := [name for name, equals, _ in pairs if not (name and equals)]:
        raise typer.BadParameter(f"--set takes CHANNEL=JSON, not {wrong[0]}")
    wanted: Members = {"values": {name: read_value(written, "--set") for name, _, written in pairs}}
    if delete:
        wanted = {"changes": [{"operation": "delete", "path": path} for path in delete]}
    with connected(server, key) as there:
        made = there.patch(f"/v1/threads/{thread}/state", {**wanted, "expected_position": expected, "reason": reason})
    _tell(made, as_json)


def restore_state(
    thread: ThreadId,
    to: Annotated[int, typer.Option("--to", min=0, metavar="POSITION", help="Whose state it is to hold again.")],
    expected: Expected = None,
    reason: Reason = "",
    server: ServerUrl = None,
    key: ServerKey = None,
    as_json: AsJson = False,
) -> None:
    """Let a thread hold again what it held at a position; its history stays."""
    from interface.cli.client import connected

    with connected(server, key) as there:
        made = there.post(f"/v1/threads/{thread}/restore", {"at": to, "expected_position": expected, "reason": reason})
    _tell(made, as_json)


def _tell(found: Members, as_json: bool) -> None:
    from interface.cli.changes import print_changes
    from interface.cli.printing import print_json

    if as_json:
        print_json(found)
    else:
        print_changes(found["changes"])

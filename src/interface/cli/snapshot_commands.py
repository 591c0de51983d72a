"""`weft threads snapshots ...`: what a thread holds, kept under a name."""

from typing import Annotated

import typer

from interface.cli.options import AsJson, Limit, ServerKey, ServerUrl
from interface.cli.server_commands import ThreadId, threads

snapshots = typer.Typer(help="Keep what a thread holds, and bring it back.", no_args_is_help=True)
SnapshotId = Annotated[str, typer.Argument(metavar="SNAPSHOT", help="The snapshot's id.")]


def add_to(_root: typer.Typer) -> None:
    threads.add_typer(snapshots, name="snapshots")


@snapshots.command("take", epilog="Example: weft threads snapshots take 0190a1b2-... 'before the refund' --tag refunds")
def take_snapshot(
    thread: ThreadId,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called.")],
    tag: Annotated[list[str] | None, typer.Option(help="To find it by; repeatable.")] = None,
    at: Annotated[int | None, typer.Option(min=0, metavar="POSITION", help="As it was after the row there; else now.")] = None,
    expires: Annotated[float | None, typer.Option(metavar="SECONDS", help="Kept so long; else for ever.")] = None,
    server: ServerUrl = None,
    key: ServerKey = None,
    as_json: AsJson = False,
) -> None:
    """Keep what a thread holds, and print the snapshot's id."""
    from interface.cli.client import connected
    from interface.cli.printing import print_json

    with connected(server, key) as there:
        order = {"name": name, "tags": tag or [], "at": at, "expires_in_seconds": expires}
        made = there.post(f"/v1/threads/{thread}/snapshots", order)
    if as_json:
        print_json(made)
    else:
        print(made["id"])


@snapshots.command("list", epilog="Example: weft threads snapshots list 0190a1b2-... --tag refunds")
def list_snapshots(
    thread: ThreadId,
    tag: Annotated[str | None, typer.Option(help="Only those with this tag.")] = None,
    server: ServerUrl = None,
    key: ServerKey = None,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """Snapshots of a thread, newest first."""
    from interface.cli.client import connected
    from interface.cli.printing import print_json, print_table

    with connected(server, key) as there:
        found = there.items(f"/v1/threads/{thread}/snapshots", limit, tag=tag)
    if as_json:
        return print_json(found)
    rows = ((one["id"], str(one["position"]), one["type"], one["name"], ", ".join(one["tags"]), one["created_at"]) for one in found)
    return print_table(("SNAPSHOT", "POSITION", "TYPE", "NAME", "TAGS", "CREATED"), rows)


@snapshots.command("show", epilog="Example: weft threads snapshots show 0190a1b2-... 0190c3d4-...")
def show_snapshot(thread: ThreadId, snapshot: SnapshotId, server: ServerUrl = None, key: ServerKey = None) -> None:
    """Everything about a snapshot and what it holds, as JSON."""
    from interface.cli.client import connected
    from interface.cli.printing import print_json

    with connected(server, key) as there:
        print_json(there.get(f"/v1/threads/{thread}/snapshots/{snapshot}"))


@snapshots.command("restore", epilog="Example: weft threads snapshots restore 0190a1b2-... 0190c3d4-... --reason 'wrong refund'")
def restore_snapshot(
    thread: ThreadId,
    snapshot: SnapshotId,
    reason: Annotated[str, typer.Option(help="Kept with the change.")] = "",
    server: ServerUrl = None,
    key: ServerKey = None,
) -> None:
    """Let the thread hold again what the snapshot holds, and print what changed."""
    from interface.cli.changes import print_changes
    from interface.cli.client import connected

    with connected(server, key) as there:
        print_changes(there.post(f"/v1/threads/{thread}/snapshots/{snapshot}/restore", {"reason": reason})["changes"])


@snapshots.command("branch", epilog="Example: weft threads snapshots branch 0190a1b2-... 0190c3d4-... --name 'another try'")
def branch_snapshot(
    thread: ThreadId,
    snapshot: SnapshotId,
    name: Annotated[str | None, typer.Option(help="What the branch is called; else as the snapshot.")] = None,
    server: ServerUrl = None,
    key: ServerKey = None,
) -> None:
    """Bring the snapshot back as a branch, and print the branch's id."""
    from interface.cli.client import connected

    with connected(server, key) as there:
        print(there.post(f"/v1/threads/{thread}/snapshots/{snapshot}/branch", {"name": name})["id"])


@snapshots.command("remove", epilog="Example: weft threads snapshots remove 0190a1b2-... 0190c3d4-...")
def remove_snapshot(thread: ThreadId, snapshot: SnapshotId, server: ServerUrl = None, key: ServerKey = None) -> None:
    """Forget a snapshot."""
    from interface.cli.client import connected

    with connected(server, key) as there:
        there.delete(f"/v1/threads/{thread}/snapshots/{snapshot}")
    print(f"snapshot {snapshot} is removed")

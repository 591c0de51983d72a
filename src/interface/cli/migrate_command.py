"""`weft runs migrate`."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import typer

from interface.cli.client import Server
from interface.cli.happenings import Members
from interface.cli.options import AsJson, ServerKey, ServerUrl
from interface.cli.server_commands import runs

PAGE: Final = 50
_STAYS: Final = ("misfit", "busy")


def add_to(_root: typer.Typer) -> None:
    example = "Example: weft runs migrate --from support@1.0.0 --to support@2.0.0 --map nodes.yaml --dry-run"
    runs.command("migrate", epilog=example)(migrate_runs)


def migrate_runs(
    source: Annotated[str, typer.Option("--from", metavar="NAME@VERSION", help="The version that the runs are to leave.")],
    target: Annotated[str, typer.Option("--to", metavar="NAME@VERSION", help="The version that they are to go on in.")],
    nodes: Annotated[
        Path | None, typer.Option("--map", metavar="FILE", help="YAML or JSON: names of nodes in the old version, to those in the new one.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say which fit, and why others do not.")] = False,
    server: ServerUrl = None,
    key: ServerKey = None,
    as_json: AsJson = False,
) -> None:
    """Move all parked runs of a version to another one, each as a whole or not at all. Exit code 1 when some stay where they are."""
    from interface.cli.client import connected
    from interface.cli.failures import Exit
    from interface.cli.printing import print_json, print_table

    order = {"from": source, "to": target, "nodes": {} if nodes is None else _node_map(nodes), "dry_run": dry_run, "limit": PAGE}
    with connected(server, key) as there:
        found = _shown(_each(there, order))
    if as_json:
        print_json(found)
    else:
        print_table(("RUN", "STATUS", "WHY"), [(run["run_id"], run["status"], _why(run)) for run in found])
    if any(run["status"] in _STAYS for run in found):
        raise typer.Exit(Exit.FAILED)


def _node_map(path: Path) -> Members:
    from interface.cli.documents import read_document
    from interface.cli.failures import CommandFailed

    written: Members = read_document(path).document
    if not all(isinstance(new, str) for new in written.values()):
        raise CommandFailed(f"{path} must map names to names, as `draft: write`")
    return written


def _each(there: Server, order: Members) -> Iterator[Members]:
    cursor: str | None = None
    while True:
        page = there.post("/v1/runs/migrate", order if cursor is None else {**order, "cursor": cursor})
        yield from page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return


def _shown(runs_seen: Iterator[Members]) -> list[Members]:
    """All of them; on a terminal with a line on stderr that says how far it is."""
    from rich.console import Console

    found: list[Members] = []
    counts: Counter[str] = Counter()
    with Console(stderr=True).status("looking at parked runs") as status:
        for run in runs_seen:
            found.append(run)
            counts[run["status"]] += 1
            status.update(f"{len(found)} parked runs: {', '.join(f'{count} {name}' for name, count in sorted(counts.items()))}")
    return found


def _why(run: Members) -> str:
    if run["status"] == "busy":
        return "something goes on in it: ask again"
    return "; ".join(problem["message"] for problem in run["problems"])

"""`weft graph NAME --costs`: what ways through a workflow cost, as a picture or a table."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from interface.cli.client import Server
from interface.cli.documents import is_file, write_text
from interface.cli.failures import CommandFailed
from interface.cli.happenings import Members
from interface.cli.printing import money, print_table
from interface.cli.times import time_of

_TITLES = ("WAY", "TIMES", "COST A RUN", "TOKENS", "BRANCH A RUN", "BRANCH")


def show_costs(there: Server, workflow: str, language: str, since: str | None, limit: int, out: Path | None) -> None:
    if is_file(workflow):
        raise CommandFailed(
            f"{workflow} is a file, and --costs wants the NAME of a published workflow: what runs of it cost is known at a service"
        )
    name, _, version = workflow.partition("@")
    path = f"/v1/workflows/{quote(name, safe='')}/costs"
    asked = {"version": version or None, "since": time_of(since, datetime.now(UTC), "--since"), "limit": str(limit)}
    if language != "text":
        return write_text(there.text(path, format=language, **asked), out)
    found = there.get(path, **asked)
    print_table(_TITLES, _rows(found))
    total = money(found["cost_per_run"], found["total"]["cost"]["currency"])
    runs = "the newest run that has ended" if found["runs"] == 1 else f"the newest {found['runs']} runs that have ended"
    print(f"{found['workflow']}: {total} a run, in {runs}", file=sys.stderr)
    return None


def _rows(found: Members) -> Iterator[tuple[str, ...]]:
    currency = found["total"]["cost"]["currency"]
    for node in found["nodes"]:
        yield (node["node"], f"{node['visits_per_run']:.3g}", money(node["cost_per_run"], currency), f"{node['total_tokens']:,}", "", "")
    for arrow in found["arrows"]:
        way = f"{arrow['source']} -> {arrow['target']}{' (loop)' if arrow['closes_loop'] else ''}"
        about = (f"{arrow['taken_per_run']:.3g}", money(arrow["cost_per_run"], currency), f"{arrow['total_tokens']:,}")
        yield (way, *about, money(arrow["branch_cost_per_run"], currency), ", ".join(arrow["branch"]))

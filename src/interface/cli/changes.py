"""Changes of a thread as a person reads them: a line each, coloured on a terminal."""

import json
import sys
from collections.abc import Iterable
from typing import Final

from interface.cli.happenings import Members

SHORTENED: Final = 60
"""Characters of a value that are shown."""
_SIGNS: Final = {"create": ("+", "green"), "delete": ("-", "red"), "update": ("~", "yellow")}


def shown(value: object) -> str:
    """The value as JSON on one line, cut where it gets long."""
    written = json.dumps(value, ensure_ascii=False)
    return written if len(written) <= SHORTENED else written[: SHORTENED - 1] + "…"


def moved(change: Members) -> str:
    """`old -> new`, or the one of the two that there is."""
    old, new = shown(change["old_value"]), shown(change["new_value"])
    return {"create": new, "delete": old}.get(change["operation"], f"{old} -> {new}")


def print_changes(changes: Iterable[Members]) -> None:
    lines = [(*_SIGNS.get(change["operation"], ("~", "yellow")), f"{change['field_path']}  {moved(change)}") for change in changes]
    if not sys.stdout.isatty():
        for sign, _, line in lines:
            print(sign, line)
        return
    from rich.console import Console

    console = Console(markup=False, highlight=False)
    for sign, colour, line in lines:
        console.print(f"{sign} {line}", style=colour)

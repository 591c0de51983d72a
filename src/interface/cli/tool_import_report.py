"""What came of an import: tables for people, lines for their programs, or JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from interface.cli.printing import print_json, print_table

if TYPE_CHECKING:
    from application.openapi import Imported, Secret, Told
    from interface.cli.tool_importing import Sent

MOST_ROWS: Final = 200
"""Of one table; `--json` has all."""


def print_report(found: "Imported", sent: "Sent", *, as_json: bool) -> None:
    if as_json:
        print_json(_as_json(found, sent))
        return
    tools = [tool for tool in found.tools if tool.name not in sent.refused]
    news = f": {sent.new:,} new, {sent.replaced:,} replaced" if sent.replaced else ""
    print(f"{len(tools):,} of {found.operations:,} operations {sent.done}{news}")
    _section("", ("TOOL", "EFFECTS", "OPERATION"), [(tool.name, tool.effects, tool.operation) for tool in tools])
    _section("Refused by the service:", ("TOOL", "WHY"), list(sent.refused.items()))
    _section("Left out:", ("OPERATION", "WHY"), list(map(_told, found.left_out)))
    _section("Imported with less than the document says:", ("OPERATION", "WHAT"), list(map(_told, found.warnings)))
    _print_secrets(found.secrets)


def _section(title: str, titles: Sequence[str], rows: Sequence[tuple[str, ...]]) -> None:
    if not rows:
        return
    print(f"\n{title}" if title else "")
    print_table(titles, rows[:MOST_ROWS])
    if len(rows) > MOST_ROWS:
        print(f"... and {len(rows) - MOST_ROWS:,} more: --json shows them all")


def _told(one: "Told") -> tuple[str, str]:
    return one.operation, f"{one.problem.message} ({one.problem.code}, at {one.problem.pointer})"


def _print_secrets(secrets: "Sequence[Secret]") -> None:
    """Each on a line of its own, to be copied."""
    if secrets:
        print("\nSecrets to configure:")
    for one in secrets:
        print(f'WEFT_SECRETS__{one.name}=\'{{"from": "env:{one.name.upper()}", "hosts": {json.dumps(list(one.hosts))}}}\'')
        print(f"    {one.purpose}, for {one.tools:,} {'tool' if one.tools == 1 else 'tools'}")


def _as_json(found: "Imported", sent: "Sent") -> dict[str, object]:
    return {
        "operations": found.operations,
        "tools": [asdict(tool) for tool in found.tools],
        "new": sent.new,
        "replaced": sent.replaced,
        "refused": [{"name": name, "why": why} for name, why in sent.refused.items()],
        "left_out": [_as_row(one) for one in found.left_out],
        "warnings": [_as_row(one) for one in found.warnings],
        "secrets": [asdict(one) for one in found.secrets],
    }


def _as_row(one: "Told") -> dict[str, str]:
    return {"operation": one.operation, "pointer": one.problem.pointer, "code": one.problem.code, "message": one.problem.message}

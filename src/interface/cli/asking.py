"""Questions of runs at the terminal: what is asked is shown, and the answer is asked for member by member, as its schema says."""

import json
import sys
from collections.abc import Callable
from typing import Any, Final

import typer

from interface.cli.happenings import Members

PAUSE, HUMAN = "pause", "human"
ASKED: Final = frozenset({PAUSE, HUMAN})
"""What somebody at the terminal can end."""


def is_interactive() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def show(what: Members) -> None:
    """On stderr: where a run stands, and what is put before whoever answers."""
    if what["kind"] == PAUSE:
        print(f"stopped at {what['activation']}" if what["activation"] else "paused", file=sys.stderr)
        return
    shown = what["show"]
    print(f"{what['activation']} asks:", file=sys.stderr)
    print(shown if isinstance(shown, str) else json.dumps(shown, indent=2, ensure_ascii=False), file=sys.stderr)


def ask(schema: object, name: str = "answer") -> object:
    """A value that may fit; whether it does is said by whoever takes it."""
    schema = schema if isinstance(schema, dict) else {}
    if schema.get("type") == "object" and schema.get("properties"):
        return _members(schema)
    if "enum" in schema:
        return _read(f"{name} ({', '.join(map(str, schema['enum']))})", lambda written: _choice(written, schema["enum"]))
    if schema.get("type") == "boolean":
        return typer.confirm(name, err=True)
    if schema.get("type") == "string":
        return typer.prompt(name, err=True, default="", show_default=False)
    return _read(f"{name} (JSON)", json.loads)


def _members(schema: Members) -> Members:
    """Those that must be there; the others only when something is typed."""
    required = schema.get("required", ())
    found: Members = {}
    for name, member in schema["properties"].items():
        if name in required:
            found[name] = ask(member, name)
        elif isinstance(member, dict) and "const" not in member:
            written = typer.prompt(f"{name} (may be empty)", err=True, default="", show_default=False)
            if written:
                found[name] = written if member.get("type") == "string" else json.loads(written)
    return found


def _read(prompt: str, read: Callable[[str], Any]) -> object:
    while True:
        written = typer.prompt(prompt, err=True)
        try:
            return read(written)
        except ValueError as error:
            print(f"not understood: {error}", file=sys.stderr)


def _choice(written: str, choices: list[object]) -> object:
    for choice in choices:
        if str(choice) == written:
            return choice
    raise ValueError(f"say one of {', '.join(map(str, choices))}")

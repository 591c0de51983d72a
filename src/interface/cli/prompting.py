"""What the commands about prompts ask of a service, and how they print it."""

import json
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from interface.cli.client import Server, connected
from interface.cli.documents import read_object
from interface.cli.failures import CommandFailed
from interface.cli.happenings import Members
from interface.cli.printing import print_json, print_table

_PATH: Final = "/v1/prompts"


def listed(name: str, server: str | None, key: str | None, limit: int, as_json: bool) -> None:
    with connected(server, key) as there:
        found = there.items(f"{_PATH}/{quote(name)}" if name else _PATH, limit)
    if as_json:
        print_json(found)
        return
    rows = (
        (f"{one['name']}@{one['version']}", "" if one["share"] is None else f"{one['share']}%", one["created_at"], one["description"])
        for one in found
    )
    print_table(("PROMPT", "SHARE", "PUBLISHED", "DESCRIPTION"), rows)


def shown(reference: str, server: str | None, key: str | None, as_json: bool) -> None:
    with connected(server, key) as there:
        view = there.get(_path(there, reference))
    if as_json:
        print_json(view)
        return
    from interface.yaml_writing import dump_document

    print(dump_document(view["document"]), end="")


def rendered(reference: str, given: Sequence[str], variables: str | None, server: str | None, key: str | None, as_json: bool) -> None:
    values = _values(given, variables)
    with connected(server, key) as there:
        view = there.post(f"{_path(there, reference)}/render", {"variables": values})
    if as_json:
        print_json(view)
        return
    for message in view["messages"]:
        print(f"[{message['role']}]\n{message['content']}")


def compared(name: str, numbers: tuple[int, int], given: Sequence[str], variables: str | None, server: str | None, key: str | None) -> None:
    before, after = numbers
    order: Members = {"against": after}
    if given or variables is not None:
        order["variables"] = _values(given, variables)
    with connected(server, key) as there:
        view = there.post(f"{_PATH}/{quote(name)}/{before}/diff", order)
    print(view["document"] or "the documents do not differ")
    if view["rendered"] is not None:
        print(f"\nrendered:\n{view['rendered'] or 'what is rendered does not differ'}")


def rolled_out(name: str, shares: Sequence[str], server: str | None, key: str | None) -> None:
    with connected(server, key) as there:
        view = there.put(f"{_PATH}/{quote(name)}/rollout", {"shares": dict(map(_share, shares))})
    told = ", ".join(f"{name}@{number} {share}%" for number, share in view["shares"].items())
    print(told or f"everybody gets the newest, {name}@{view['newest']}")


def _path(there: Server, reference: str) -> str:
    name, _, number = reference.partition("@")
    if reference != name and not (number.isascii() and number.isdecimal()):
        raise CommandFailed(f"{reference} names no version: use {name}@1, or {name} for the newest")
    newest = number or there.items(f"{_PATH}/{quote(name)}", 1)[0]["version"]
    return f"{_PATH}/{quote(name)}/{newest}"


def _share(written: str) -> tuple[str, int]:
    number, _, percent = written.partition("=")
    if not number.isdecimal() or not percent.isdecimal():
        raise CommandFailed(f"{written} is no share: use VERSION=PERCENT, as 3=90")
    return number, int(percent)


def _values(given: Sequence[str], variables: str | None) -> Members:
    values = {} if variables is None else read_object(variables, "--vars")
    return {**values, **dict(map(_value, given))}


def _value(written: str) -> tuple[str, object]:
    name, equals, value = written.partition("=")
    if not equals:
        raise CommandFailed(f"--var {written} has no value: use NAME=TEXT, or NAME:=JSON")
    if not name.endswith(":"):
        return name, value
    try:
        return name[:-1], json.loads(value)
    except json.JSONDecodeError as error:
        raise CommandFailed(f"--var {written} is not JSON ({error}): quote it for your shell") from error

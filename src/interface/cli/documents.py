"""Files as the commands read them: workflows, inputs, and what is said of them."""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from interface.cli.failures import CommandFailed, of_weft_error
from interface.cli.happenings import Members

if TYPE_CHECKING:
    from interface.yaml import LoadedDocument, Room

SUFFIXES: Final = (".yaml", ".yml", ".json")


def read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CommandFailed(f"{path} cannot be read: {error.strerror}") from error


def read_document(path: Path, room: "Room | None" = None) -> "LoadedDocument":
    """JSON or YAML, by the file's suffix. `CommandFailed` names the file, the line and the column."""
    from application.errors import ValidationError
    from interface.yaml import USUAL, load_document

    data = read_bytes(path)
    try:
        return load_document(data, path.suffix, room or USUAL)
    except ValidationError as error:
        raise of_weft_error(error, str(path)) from error


def read_object(written: str, option: str) -> Members:
    """A JSON object, given in place, as `@FILE` (JSON or YAML), or as `@-` on stdin."""
    value = read_value(written, option)
    if not isinstance(value, dict):
        raise CommandFailed(f'{option} must be a JSON object, as \'{{"name": "value"}}\' or @FILE, not {json.dumps(value)[:80]}')
    return value


def read_value(written: str, option: str) -> object:
    """Any JSON, given in the same ways."""
    if written.startswith("@") and written != "@-":
        return read_document(Path(written[1:])).document
    text = sys.stdin.read() if written == "@-" else written
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise CommandFailed(f"{option} is not JSON ({error}): quote it for your shell, or use @FILE") from error


def is_file(reference: str) -> bool:
    """Does `weft run` mean a file by this, or the name of a published workflow?"""
    return reference.endswith(SUFFIXES) or Path(reference).is_file()


def must_be_writable(out: Path) -> None:
    """Asked before what will stand in it is paid for. Folders that are missing are made."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandFailed(f"{out} cannot be written: {error.strerror}") from error
    if out.is_dir() or not os.access(out if out.exists() else out.parent, os.W_OK):
        raise CommandFailed(f"{out} cannot be written: name a file in a folder of yours")


def write_text(text: str, out: Path | None) -> None:
    """To a file, or to stdout."""
    if out is None:
        sys.stdout.write(text if text.endswith("\n") else text + "\n")
        return
    try:
        out.write_text(text if text.endswith("\n") else text + "\n", encoding="utf-8")
    except OSError as error:
        raise CommandFailed(f"{out} cannot be written: {error.strerror}") from error

"""How big a document may be, and what JSON cannot carry over a network unharmed."""

from collections.abc import Iterator
from math import isfinite
from typing import Final

from application.documents.reading import pointer_to
from domain.errors import Problem
from domain.json import Json

MAX_BYTES: Final = 10 * 1024 * 1024
MAX_NODES: Final = 20_000
MAX_EDGES: Final = 100_000
MAX_PERMISSIONS: Final = 1_000
MAX_DEPTH: Final = 64
MAX_FRAMES: Final = 100
"""Frames in frames: what follows them down, such as a checkpoint, does so on the stack."""
MAX_EXPRESSION: Final = 4 * 1024
EXACT: Final = 2**53 - 1
"""The biggest whole number that every reader of JSON keeps exactly (RFC 7493)."""


def unfit(written: Json) -> Iterator[Problem]:
    """What no store, hash or reader could keep as it is. Everything else may rely on the nesting being bounded; so this comes first."""
    try:
        _look(written, 0)
    except _Unfit as found:
        pointer = ""
        for member in reversed(found.path):
            pointer = pointer_to(pointer, member)
        yield Problem(pointer, found.code, found.message)


class _Unfit(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.path: list[str | int] = []


def _look(written: Json, depth: int) -> None:
    if isinstance(written, str):
        _look_at_text(written)
    elif isinstance(written, dict | list):
        if depth == MAX_DEPTH:
            raise _Unfit("too_deep", f"a document may be nested {MAX_DEPTH} deep, and this goes deeper")
        _look_inside(written, depth + 1)
    elif isinstance(written, int):
        if not -EXACT <= written <= EXACT:
            raise _Unfit("number_range", "a whole number beyond 2^53 is not exact in JSON; write it as text")
    elif isinstance(written, float) and not isfinite(written):
        raise _Unfit("number_range", "JSON has no infinity and no NaN")


def _look_inside(written: dict[str, Json] | list[Json], depth: int) -> None:
    for member, inner in written.items() if isinstance(written, dict) else enumerate(written):
        try:
            if isinstance(member, str):
                _look_at_text(member)
            _look(inner, depth)
        except _Unfit as found:
            found.path.append(member)
            raise


def _look_at_text(text: str) -> None:
    if "\0" in text:
        raise _Unfit("bad_text", "text may not hold the character U+0000")
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise _Unfit("bad_text", "text holds half a surrogate pair, which is not Unicode")

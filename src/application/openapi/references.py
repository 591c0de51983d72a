"""What a `$ref` names: another part of the same document, or a reason why it cannot be had."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote

from domain.errors import Problem
from domain.json import Json, JsonObject

MOST_HOPS: Final = 32
"""References that name references, before it is taken for a circle."""


class Unusable(Exception):
    """What cannot be imported. Ends the operation it stands in, and no other."""

    def __init__(self, pointer: str, code: str, message: str) -> None:
        super().__init__(message)
        self.problem = Problem(pointer, code, message)


def target_of(document: JsonObject, reference: str, at: str) -> Json:
    """`at`: where the reference stands."""
    if not reference.startswith("#"):
        message = f"`{reference[:200]}` lies outside the document, and nothing is fetched: bundle everything into one file first"
        raise Unusable(at, "remote_reference", message)
    found: Json = document
    fragment = unquote(reference[1:])
    for step in fragment.split("/")[1:]:
        found = _inside(found, step.replace("~1", "/").replace("~0", "~"))
    if found is None or not fragment.startswith("/"):
        raise Unusable(at, "dangling_reference", f"there is no `{reference[:200]}` in the document")
    return found


def _inside(part: Json, name: str) -> Json:
    if isinstance(part, Mapping):
        return part.get(name)
    if isinstance(part, list) and name.isdecimal() and int(name) < len(part):
        inner: Json = part[int(name)]
        return inner
    return None


def followed(document: JsonObject, part: Json, at: str) -> tuple[JsonObject, str]:
    """The object that `part` is or names, and where that stands."""
    for _ in range(MOST_HOPS):
        if not isinstance(part, Mapping):
            raise Unusable(at, "wrong_type", "this must be an object")
        reference = part.get("$ref")
        if not isinstance(reference, str):
            return part, at
        part, at = target_of(document, reference, at), unquote(reference[1:])
    raise Unusable(at, "circular_reference", "these references lead back to themselves and never to anything")

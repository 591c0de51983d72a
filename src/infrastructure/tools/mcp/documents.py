"""What a server says of a tool, as a document: what its digest is of, what is shown to models once it is approved."""

import difflib
import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from domain.errors import ExpressionError
from domain.json import Json, JsonObject
from infrastructure.json_bounds import plain, weigh

if TYPE_CHECKING:
    from mcp_types import Tool as Offered

MOST_DOCUMENT: Final = 64 * 1024
"""Characters of one as JSON."""
MOST_DIFFERENCE: Final = 20
MOST_COMPARED: Final = 400
"""Lines a side, beside those that both begin and end with: what finds the least that changed takes the cube of them."""
LONGEST_LINE: Final = 200
MEMBERS: Final = ("name", "description", "inputSchema", "outputSchema", "annotations")


class Unusable(Exception):
    """Says why a description cannot be kept."""


def document_of(offered: "Offered") -> JsonObject:
    said = offered.model_dump(by_alias=True, mode="json", exclude_none=True)
    document = {member: said[member] for member in MEMBERS if member in said}
    try:
        weigh(document, MOST_DOCUMENT * 8)
        found = plain(document)
    except ExpressionError as error:
        raise Unusable(error.message) from None
    assert isinstance(found, Mapping)
    if len(_canonical(found)) > MOST_DOCUMENT:
        raise Unusable(f"its description is longer than {MOST_DOCUMENT:,} characters")
    return found


def digest_of(document: JsonObject) -> str:
    """Hex SHA-256 of its RFC 8785 form. `Unusable` when it has none (half a character, a whole number beyond 2^53)."""
    import rfc8785

    try:
        return hashlib.sha256(rfc8785.dumps(document)).hexdigest()
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise Unusable(f"its description has no canonical form: {error}") from None


def difference(old: JsonObject, new: JsonObject) -> tuple[str, ...]:
    """The lines that went and came, for eyes: what cannot be seen in a text is spelled out in it."""
    changed = [line[:LONGEST_LINE] for line in _changed(*_without_what_is_shared(_lines(old), _lines(new)))]
    more = len(changed) - MOST_DIFFERENCE
    return (*changed[:MOST_DIFFERENCE], f"... and {more} more lines") if more > 0 else tuple(changed)


def _changed(old: list[str], new: list[str]) -> list[str]:
    if not old:
        return [f"+{line}" for line in new]
    if max(len(old), len(new)) > MOST_COMPARED:
        return ["altogether different", *(f"+{line}" for line in new), *(f"-{line}" for line in old)]
    return [line for line in difflib.unified_diff(old, new, lineterm="", n=0) if not line.startswith(("---", "+++", "@@"))]


def _without_what_is_shared(old: list[str], new: list[str]) -> tuple[list[str], list[str]]:
    """At their beginning and at their end."""
    begin = next((at for at, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    old, new = old[begin:], new[begin:]
    end = next((at for at, (a, b) in enumerate(zip(reversed(old), reversed(new), strict=False)) if a != b), min(len(old), len(new)))
    return old[: len(old) - end], new[: len(new) - end]


def _lines(document: JsonObject) -> list[str]:
    return [line for member, value in document.items() for line in _of_member(member, value)]


def _of_member(member: str, value: Json) -> list[str]:
    if isinstance(value, str):
        return [f"{member}: {json.dumps(line)}" for line in value.splitlines()]
    return [f"{member}: {line}" for line in json.dumps(value, indent=1, sort_keys=True).splitlines()]


def _canonical(document: JsonObject) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))

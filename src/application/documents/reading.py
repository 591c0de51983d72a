"""Careful reading of a JSON object: whatever is wrong is noted with its pointer, and reading goes on."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from domain.errors import Problem
from domain.json import Json, JsonObject

Choice = TypeVar("Choice", bound=StrEnum)
Default = TypeVar("Default")


def pointer_to(parent: str, member: str | int) -> str:
    """JSON pointer (RFC 6901) of a member."""
    return f"{parent}/{str(member).replace('~', '~0').replace('/', '~1')}"


class Part:
    """One object of a document. `problems` is shared by all parts of a document; a value that does not fit reads as its default."""

    __slots__ = ("fields", "pointer", "problems")

    def __init__(self, written: Json, pointer: str, problems: list[Problem]) -> None:
        self.pointer = pointer
        self.problems = problems
        self.fields: JsonObject = written if isinstance(written, dict) else {}
        if not isinstance(written, dict):
            self.note(None, "wrong_type", f"this must be an object, not {kind_of(written)}")

    def note(self, member: str | int | None, code: str, message: str) -> None:
        at = self.pointer if member is None else pointer_to(self.pointer, member)
        self.problems.append(Problem(at, code, message))

    def has(self, member: str) -> bool:
        return member in self.fields

    def only(self, known: frozenset[str], later: frozenset[str] = frozenset()) -> None:
        """Members that are not `known` are refused; those in `later` with the reason that this version does not have them."""
        strange = [member for member in self.fields if member not in known]
        fields = ", ".join(sorted(known)) if strange else ""
        for member in strange:
            if member in later:
                self.note(member, "not_available", f"`{member}` is not available in this version of Weft; leave it out")
            else:
                self.note(member, "unknown_field", f"`{member}` is not a field here; the fields are {fields}")

    def need(self, *members: str) -> None:
        for member in members:
            if member not in self.fields:
                self.note(None, "missing_field", f"`{member}` is missing")

    def text(self, member: str, default: str = "") -> str:
        return self.maybe_text(member) or default

    def maybe_text(self, member: str) -> str | None:
        written = self.fields.get(member)
        if isinstance(written, str):
            return written
        return self._refuse(member, "text", None)

    def flag(self, member: str) -> bool:
        written = self.fields.get(member, False)
        if isinstance(written, bool):
            return written
        return self._refuse(member, "true or false", False)

    def whole(self, member: str, default: int, most: int | None = None) -> int:
        """A number from 1 to `most`."""
        written = self.fields.get(member, default)
        if isinstance(written, int) and not isinstance(written, bool) and written >= 1 and (most is None or written <= most):
            return written
        return self._refuse(member, "a whole number of at least 1" if most is None else f"a whole number from 1 to {most}", default)

    def seconds(self, member: str, default: float, *, above: float = -1.0) -> float:
        """A number from 0 on, or more than `above`."""
        written = self.fields.get(member, default)
        if isinstance(written, int | float) and not isinstance(written, bool) and written >= 0 and written > above:
            return float(written)
        return self._refuse(member, "a number above 0" if above >= 0 else "a number of at least 0", default)

    def choice(self, member: str, of: type[Choice], default: Choice) -> Choice:
        written = self.fields.get(member, default)
        if isinstance(written, str) and written in list(of):
            return of(written)
        return self._refuse(member, f"one of {', '.join(of)}", default)

    def texts(self, member: str) -> tuple[str, ...]:
        written = self.fields.get(member, [])
        if isinstance(written, list) and all(isinstance(item, str) for item in written):
            return tuple(str(item) for item in written)
        return self._refuse(member, "a list of texts", ())

    def members(self, member: str) -> Mapping[str, Json]:
        written = self.fields.get(member, {})
        if isinstance(written, dict):
            return written
        return self._refuse(member, "an object", {})

    def parts(self, member: str) -> list["Part"]:
        """The items of a list of objects."""
        written = self.fields.get(member, [])
        if not isinstance(written, list):
            return self._refuse(member, "a list", [])
        at = pointer_to(self.pointer, member)
        return [Part(item, f"{at}/{number}", self.problems) for number, item in enumerate(written)]

    def part(self, member: str) -> "Part":
        """An inner object; an empty one when it is not there."""
        return Part(self.fields.get(member, {}), pointer_to(self.pointer, member), self.problems)

    def _refuse(self, member: str, wanted: str, default: Default) -> Default:
        if member in self.fields:
            self.note(member, "wrong_type", f"`{member}` must be {wanted}, not {kind_of(self.fields[member])}")
        return default


def kind_of(written: Json) -> str:
    """How to name a value in a message: short, never the whole of it."""
    match written:
        case None:
            return "null"
        case bool() | int() | float():
            return str(written).lower()[:40]
        case str():
            return f'"{written[:40]}"'
        case Mapping():
            return "an object"
        case _:
            return "a list"

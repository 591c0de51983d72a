"""What a config sends: texts with arguments and secrets in them, and JSON of such texts."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, TypeAlias, Union

from domain.json import Json, JsonObject


class Missing(Enum):
    """An argument that was not given: what it stands in is left out."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING


@dataclass(frozen=True, slots=True)
class Argument:
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Secret:
    name: str


@dataclass(frozen=True, slots=True)
class Given:
    """What a call fills templates with. `secrets` by name."""

    arguments: JsonObject
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    def argument(self, path: tuple[str, ...]) -> Json | Missing:
        found: Json = self.arguments
        for name in path:
            if not isinstance(found, Mapping) or name not in found:
                return MISSING
            found = found[name]
        return found


@dataclass(frozen=True, slots=True)
class Template:
    parts: tuple[str | Argument | Secret, ...]

    def value(self, given: Given) -> Json | Missing:
        """Typed, when it is one argument and nothing else."""
        if len(self.parts) == 1 and isinstance(self.parts[0], Argument):
            return given.argument(self.parts[0].path)
        return self._joined(given)

    def text(self, given: Given) -> str | Missing:
        return self._joined(given)

    def _joined(self, given: Given) -> str | Missing:
        found = [_part(part, given) for part in self.parts]
        texts = [text for text in found if isinstance(text, str)]
        return "".join(texts) if len(texts) == len(found) else MISSING

    def secrets(self) -> Iterator[str]:
        return (part.name for part in self.parts if isinstance(part, Secret))


def _part(part: str | Argument | Secret, given: Given) -> str | Missing:
    match part:
        case Argument(path):
            found = given.argument(path)
            return MISSING if found is None or isinstance(found, Missing) else text_of(found)
        case Secret(name):
            return given.secrets[name]
        case _:
            return part


def text_of(value: Json) -> str:
    """As it stands in a URL or a header; lists and objects as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


Tree: TypeAlias = Union[Template, list["Tree"], dict[str, "Tree"], bool, int, float, None]  # noqa: UP007 - recursive, quoted
"""JSON with templates for strings."""


def filled(tree: Tree, given: Given) -> Json | Missing:
    """Members and elements that are missing are left out of what they stand in."""
    match tree:
        case Template():
            return tree.value(given)
        case list():
            elements = [filled(one, given) for one in tree]
            return [one for one in elements if not isinstance(one, Missing)]
        case dict():
            members = {name: filled(one, given) for name, one in tree.items()}
            return {name: one for name, one in members.items() if not isinstance(one, Missing)}
        case _:
            return tree


def templates_in(tree: Tree) -> Iterator[Template]:
    match tree:
        case Template():
            yield tree
        case list():
            for one in tree:
                yield from templates_in(one)
        case dict():
            for one in tree.values():
                yield from templates_in(one)

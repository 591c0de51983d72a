"""What a tool takes, and where in a request each of it goes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from application.openapi.bodies import Body, Kind
from application.openapi.keywords import shortened
from application.openapi.names import argument_name
from application.openapi.parameters import Parameter
from application.openapi.schemas import Converted, Definitions
from domain.json import Json

_LONGEST_WORDS: Final = 1_000
_SINGLE: Final = frozenset({"string", "integer", "number", "boolean", "file"})


@dataclass(slots=True)
class Arguments:
    """Gathered one by one: paths first, so that theirs are the plainest names."""

    definitions: Definitions
    properties: dict[str, Json] = field(default_factory=dict)
    required: list[str] = field(default_factory=list)
    names: set[str] = field(default_factory=set)

    def take(self, parameter: Parameter) -> str:
        """The argument's name."""
        if parameter.is_json and parameter.kind != "object":
            told = f"{parameter.description} Written as JSON.".strip()
            return self._add(parameter.name, parameter.place, _text_of_json(), told, parameter.required)
        if parameter.is_file:
            return self._add(parameter.name, parameter.place, _file(), parameter.description, parameter.required)
        made = self.definitions.convert(parameter.schema, parameter.schema_at)
        return self._add(parameter.name, parameter.place, made, parameter.description, parameter.required)

    def take_body(self, body: Body) -> str:
        return self._add("body", "content", self._content(body), body.description, body.required)

    def _content(self, body: Body) -> Converted:
        if body.kind in (Kind.TEXT, Kind.BYTES):
            packed = {"contentEncoding": "base64", "title": "Bytes, in base64"} if body.kind is Kind.BYTES else {}
            return Converted.of({"type": "string", **packed, "contentMediaType": body.media_type})
        return self.definitions.convert(body.schema, body.at)

    def schema(self) -> Converted:
        must = {"required": self.required} if self.required else {}
        return Converted.of({"type": "object", "properties": self.properties, **must, "additionalProperties": False}, self.names)

    def _add(self, wanted: str, place: str, made: Converted, description: str, required: bool) -> str:
        name = argument_name(wanted, place, self.properties)
        said = {"description": shortened(description, _LONGEST_WORDS)} if description.strip() else {}
        self.properties[name] = {**(made.schema if isinstance(made.schema, Mapping) else {}), **said}
        if required:
            self.required.append(name)
        self.names |= made.names.keys()
        return name


def entry(parameter: Parameter, name: str) -> Json:
    """Of an argument in the mapping of its place. Without a style, a mapping writes a list item by item, and an object as JSON."""
    value = "${arguments." + name + "}"
    if parameter.is_file:
        return {"base64": value}
    is_plain = parameter.is_usual and (parameter.kind == "array" or parameter.is_json or parameter.place == "form")
    if parameter.place in ("header", "cookie") or is_plain or parameter.kind in _SINGLE:
        return value
    return {"value": value, "style": parameter.style, "explode": parameter.explode}


def _file() -> Converted:
    return Converted.of({"type": "string", "contentEncoding": "base64", "title": "A file, in base64"})


def _text_of_json() -> Converted:
    return Converted.of({"type": "string", "contentMediaType": "application/json"})

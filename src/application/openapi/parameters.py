"""The parameters of an operation, those of its path among them, in one shape for all versions."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from application.openapi.operations import Operation
from application.openapi.references import Unusable, followed
from domain.json import Json, JsonObject

PLACES: Final = ("path", "query", "header", "cookie")
_DEFAULT_STYLE: Final = {"path": "simple", "query": "form", "header": "simple", "cookie": "form", "form": "form"}
_STYLES: Final = {
    "path": frozenset({"simple", "label", "matrix"}),
    "query": frozenset({"form", "spaceDelimited", "pipeDelimited", "deepObject"}),
    "header": frozenset({"simple"}),
    "cookie": frozenset({"form"}),
    "form": frozenset({"form", "spaceDelimited", "pipeDelimited", "deepObject"}),
}
HEADER: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
"""What a header or a cookie may be called (RFC 9110)."""
_COLLECTIONS: Final = {"csv": False, "multi": True, "ssv": False, "pipes": False}
_DELIMITED: Final = {"ssv": "spaceDelimited", "pipes": "pipeDelimited"}


@dataclass(frozen=True, slots=True)
class Parameter:
    """`place`: path, query, header, cookie or form. `schema` as written; `shape`: what that is when its reference is followed. `is_json`:
    its value is written as JSON text."""

    name: str
    place: str
    at: str
    schema: Json
    schema_at: str
    description: str = ""
    required: bool = False
    style: str = "form"
    explode: bool = True
    is_json: bool = False
    shape: JsonObject = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """`string`, `array` and so on; "" where its schema does not say, or says several."""
        kind = self.shape.get("type")
        return kind if isinstance(kind, str) else ""

    @property
    def is_file(self) -> bool:
        if self.place != "form":
            return False
        is_packed = "contentMediaType" in self.shape and "contentEncoding" not in self.shape
        return self.kind == "file" or self.shape.get("format") == "binary" or is_packed

    @property
    def is_list_of_files(self) -> bool:
        items = self.shape.get("items")
        return self.place == "form" and isinstance(items, Mapping) and items.get("format") == "binary"

    @property
    def is_usual(self) -> bool:
        """Written as a mapping writes it when nothing is said of style."""
        return self.style == _DEFAULT_STYLE[self.place] and self.explode == (self.style == "form")

    def cannot_be_sent(self, why: str) -> Unusable:
        return Unusable(self.at, "parameter_not_supported", f"`{self.name}` in `{self.place}` cannot be sent: {why}")


def written_parameters(document: JsonObject, operation: Operation) -> Iterator[tuple[JsonObject, str]]:
    """As written, and where; what an operation says of a parameter counts, and not what its path says."""
    found: dict[tuple[Json, Json], tuple[JsonObject, str]] = {}
    for owner, at in ((operation.shared, operation.shared_at), (operation.fields, operation.at)):
        listed = owner.get("parameters")
        for place, one in enumerate(listed if isinstance(listed, list) else ()):
            written, there = followed(document, one, f"{at}/parameters/{place}")
            name, kind = written.get("name"), written.get("in")
            found[name if isinstance(name, str) else "", kind if isinstance(kind, str) else ""] = (written, there)
    yield from found.values()


def parameter_of(written: JsonObject, at: str, version: str, operation: Operation) -> Parameter:
    name, place = written.get("name"), written.get("in")
    if not isinstance(name, str) or not name:
        raise operation.refused("no_name", f"a parameter in `{place}` has no name")
    if place not in (*PLACES, "formData") or not isinstance(place, str):
        raise operation.refused("unknown_place", f"the parameter `{name}` is in `{place}`, and there is no such place")
    place = "form" if place == "formData" else place
    description = written.get("description")
    made = Parameter(
        name=name,
        place=place,
        at=at,
        schema=written,
        schema_at=at,
        description=description if isinstance(description, str) else "",
        required=written.get("required") is True or place == "path",
    )
    return _old(made, written, operation) if version == "2.0" else _new(made, written, operation)


def _old(made: Parameter, written: JsonObject, operation: Operation) -> Parameter:
    """Swagger 2.0: the parameter is its own schema, and lists are comma-separated unless it says otherwise."""
    kind = written.get("collectionFormat", "csv")
    if kind not in _COLLECTIONS:
        raise operation.refused("style_not_supported", f"the parameter `{made.name}` has the collectionFormat `{kind}`")
    style = _DELIMITED.get(str(kind), _DEFAULT_STYLE[made.place])
    is_list = written.get("type") == "array"
    return _styled(made, written, made.at, style, _COLLECTIONS[str(kind)] if is_list else style == "form", operation)


def _new(made: Parameter, written: JsonObject, operation: Operation) -> Parameter:
    if isinstance(content := written.get("content"), Mapping) and content:
        kind, inside = next(iter(content.items()))
        schema = inside.get("schema", {}) if isinstance(inside, Mapping) else {}
        at = f"{made.at}/content/{kind.replace('~', '~0').replace('/', '~1')}/schema"
        styled = _styled(made, schema, at, _DEFAULT_STYLE[made.place], _DEFAULT_STYLE[made.place] == "form", operation)
        return replace(styled, is_json="json" in kind.lower())
    style = written.get("style", _DEFAULT_STYLE[made.place])
    explode = written.get("explode", style in ("form", "deepObject"))
    return _styled(made, written.get("schema", {}), f"{made.at}/schema", str(style), explode is True, operation)


def _styled(made: Parameter, schema: Json, at: str, style: str, explode: bool, operation: Operation) -> Parameter:
    if style not in _STYLES[made.place]:
        raise operation.refused("style_not_supported", f"the parameter `{made.name}` in `{made.place}` has the style `{style}`")
    return replace(made, schema=schema, schema_at=at, style=style, explode=explode)

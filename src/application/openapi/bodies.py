"""What an operation's requests carry."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from application.documents.reading import pointer_to
from application.openapi.operations import Operation
from application.openapi.parameters import Parameter
from application.openapi.references import MOST_HOPS, followed
from domain.json import Json, JsonObject

_FORM: Final = "application/x-www-form-urlencoded"
_MULTIPART: Final = "multipart/form-data"
_LONGEST_TYPE: Final = 200
_TEXTS: Final = ("text/", "application/xml", "application/graphql", "application/sql", "application/yaml", "application/x-yaml",
                 "application/x-ndjson", "application/jsonl", "application/javascript", "application/sparql")  # fmt: skip


class Kind(StrEnum):
    """In the order of preference; also how a tool's `body` calls it."""

    JSON = "json"
    FORM = "form"
    MULTIPART = "multipart"
    TEXT = "text"
    BYTES = "base64"


@dataclass(frozen=True, slots=True)
class Body:
    """`fields`: of a form, each an argument of its own; any other body is one argument with this `schema`."""

    kind: Kind
    media_type: str
    schema: Json
    at: str
    required: bool = False
    description: str = ""
    fields: tuple[Parameter, ...] = ()


def kind_of_body(media_type: str) -> Kind | None:
    """None when it cannot stand in a header, or says of no one type that it is."""
    if not media_type.isascii() or not media_type.isprintable() or not 0 < len(media_type) <= _LONGEST_TYPE:
        return None
    name = media_type.partition(";")[0].strip().lower()
    if name in (_FORM, _MULTIPART):
        return Kind.FORM if name == _FORM else Kind.MULTIPART
    if name.endswith(("/json", "+json")) or name == "*/*":
        return Kind.JSON
    if name.startswith(_TEXTS) or name.endswith("+xml"):
        return Kind.TEXT
    return None if "*" in name or name.startswith("multipart/") else Kind.BYTES


def body_of(document: JsonObject, operation: Operation) -> Body | None:
    """Of OpenAPI 3."""
    if "requestBody" not in operation.fields:
        return None
    written, at = followed(document, operation.fields["requestBody"], f"{operation.at}/requestBody")
    content = written.get("content")
    if not isinstance(content, Mapping) or not content:
        return None
    media_type, kind = preferred(list(content), operation)
    inside, inside_at = content[media_type], pointer_to(f"{at}/content", media_type)
    inside = inside if isinstance(inside, Mapping) else {}
    description = written.get("description")
    body = Body(
        kind=kind,
        media_type=media_type,
        schema=inside.get("schema", {}),
        at=f"{inside_at}/schema",
        required=written.get("required") is True,
        description=description if isinstance(description, str) else "",
    )
    return _with_fields(document, body, inside.get("encoding"), operation)


def swagger_body(consumes: list[str], found: list[tuple[JsonObject, str]], forms: list[Parameter], operation: Operation) -> Body | None:
    """Of Swagger 2.0: `found` are its parameters in `body`, `forms` those in `formData`."""
    if forms:
        is_multipart = _MULTIPART in consumes or any(_is_file(one.schema) for one in forms)
        kind, name = (Kind.MULTIPART, _MULTIPART) if is_multipart else (Kind.FORM, _FORM)
        return Body(kind, name, {}, operation.at, fields=tuple(forms))
    for written, at in found[:1]:
        offered = [one for one in consumes if kind_of_body(one) not in (Kind.FORM, Kind.MULTIPART)]
        media_type, kind = preferred(offered or ["application/json"], operation)
        description = written.get("description")
        told = description if isinstance(description, str) else ""
        return Body(kind, media_type, written.get("schema", {}), f"{at}/schema", written.get("required") is True, told)
    return None


def preferred(offered: list[str], operation: Operation) -> tuple[str, Kind]:
    order = list(Kind)
    known = sorted(((order.index(kind), place, one, kind) for place, one in enumerate(offered) if (kind := kind_of_body(one)) is not None))
    if not known:
        raise operation.refused("body_not_supported", f"its body is {' or '.join(offered)[:200]}, which no tool sends")
    _, _, media_type, kind = known[0]
    return media_type, kind


def _is_file(schema: Json) -> bool:
    return isinstance(schema, Mapping) and (schema.get("type") == "file" or schema.get("format") == "binary")


def _with_fields(document: JsonObject, body: Body, encoding: Json, operation: Operation) -> Body | None:
    """None for a form in which nothing can be filled in."""
    if body.kind not in (Kind.FORM, Kind.MULTIPART):
        return body
    said = encoding if isinstance(encoding, Mapping) else {}
    properties: dict[str, tuple[Json, str]] = {}
    required: set[str] = set()
    for part, at in _parts(document, body.schema, body.at):
        inside, must = part.get("properties"), part.get("required")
        if isinstance(inside, Mapping):
            properties |= {name: (one, pointer_to(f"{at}/properties", name)) for name, one in inside.items()}
        required.update(name for name in (must if isinstance(must, list) else ()) if isinstance(name, str))
    if not properties and not body.required:
        return None
    if not properties:
        raise operation.refused("form_without_fields", "its body is a form, and its schema does not say which fields it has")
    fields = [_field(name, one, at, name in required, said.get(name)) for name, (one, at) in properties.items() if not _is_read_only(one)]
    return Body(body.kind, body.media_type, body.schema, body.at, body.required, body.description, tuple(fields))


def _parts(document: JsonObject, schema: Json, at: str, depth: int = 0) -> Iterator[tuple[JsonObject, str]]:
    """A schema and all that it takes in by `allOf`, what it takes in first."""
    if depth > MOST_HOPS or not isinstance(schema, Mapping):
        return
    found, at = followed(document, schema, at)
    taken_in = found.get("allOf")
    for place, one in enumerate(taken_in if isinstance(taken_in, list) else ()):
        yield from _parts(document, one, f"{at}/allOf/{place}", depth + 1)
    yield found, at


def _is_read_only(schema: Json) -> bool:
    return isinstance(schema, Mapping) and schema.get("readOnly") is True


def _field(name: str, schema: Json, at: str, required: bool, encoding: Json) -> Parameter:
    said = encoding if isinstance(encoding, Mapping) else {}
    style = said.get("style")
    style = style if style in ("spaceDelimited", "pipeDelimited", "deepObject") else "form"
    explode = said.get("explode", style in ("form", "deepObject"))
    return Parameter(name, "form", at, schema, at, required=required, style=str(style), explode=explode is True)

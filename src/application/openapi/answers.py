"""What comes back: the types that a request asks for, and the schema of JSON that is checked when somebody wants it to be."""

from collections.abc import Iterator, Mapping
from typing import Final

from application.documents.reading import pointer_to
from application.openapi.bodies import Kind, kind_of_body
from application.openapi.bounding import Bounds
from application.openapi.operations import Operation
from application.openapi.references import Unusable, followed
from application.openapi.schemas import Converted
from domain.json import Json, JsonObject

_LONGEST_ACCEPT: Final = 500


def accept_header(document: JsonObject, operation: Operation, version: str) -> Mapping[str, Json]:
    """JSON where it is offered, else whatever is; nothing when the document does not say."""
    offered = _produced(document, operation) if version == "2.0" else [kind for _, kind, _, _ in _answers(document, operation)]
    types = [kind for kind in dict.fromkeys(offered) if kind.isascii() and kind.isprintable() and "*" not in kind and "$" not in kind]
    json = [kind for kind in types if kind_of_body(kind) is Kind.JSON]
    chosen = ", ".join(sorted(json, key=lambda kind: kind != "application/json")[:1] or types)
    return {"Accept": chosen} if 0 < len(chosen) <= _LONGEST_ACCEPT else {}


def answer_schema(document: JsonObject, operation: Operation, bounds: Bounds) -> JsonObject:
    """Of the JSON in the answers of success, when there is just one kind of it; else anything. An empty answer is null."""
    found = [(schema, at) for status, kind, schema, at in _answers(document, operation) if kind_of_body(kind) is Kind.JSON]
    if len(found) != 1:
        return {}
    made = bounds.definitions.convert(*found[0])
    return bounds.bounded(Converted.of({"anyOf": [made.schema, {"type": "null"}]}, made.names), operation.at).schema


def _produced(document: JsonObject, operation: Operation) -> list[str]:
    produced = operation.fields.get("produces", document.get("produces"))
    return [one for one in produced if isinstance(one, str)] if isinstance(produced, list) else []


def _answers(document: JsonObject, operation: Operation) -> Iterator[tuple[str, str, Json, str]]:
    """Of success: status, media type, schema, and where that stands. One that cannot be read says nothing; a call does not need it."""
    responses = operation.fields.get("responses")
    written = responses if isinstance(responses, Mapping) else {}
    good = [status for status in written if status.startswith("2")]
    for status in good or (["default"] if "default" in written else []):
        try:
            answer, at = followed(document, written.get(status), f"{operation.at}/responses/{status}")
        except Unusable:
            continue
        content = answer.get("content")
        for kind, inside in content.items() if isinstance(content, Mapping) else ():
            if isinstance(inside, Mapping):
                yield status, kind, inside.get("schema", {}), f"{pointer_to(f'{at}/content', kind)}/schema"
        if "schema" in answer:
            yield status, (_produced(document, operation) or ["application/json"])[0], answer["schema"], f"{at}/schema"

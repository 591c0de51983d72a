"""Structured answers of the offline models: an instance of the schema a caller asks for."""

import re
from collections.abc import Mapping, Sequence

from domain.json import Json, JsonObject
from infrastructure.models.offline import PATIENCE, pick, summary
from infrastructure.models.question import Question

_NUMBER = re.compile(r"[0-9][0-9,]*(?:\.[0-9]+)?")
DEEPEST = 16
MOST_ITEMS = 10


def instance(schema: JsonObject, question: Question) -> Json:
    """What `schema` wants, of the question's material: an enum is classified, a text found behind its label or summarised, an approval
    given after two rounds.

    A schema with conditions beyond types (`pattern`, `not`, `if`) may get what it does not allow: the caller validates anyway.
    """
    return _value(schema, "", question, schema, DEEPEST)


def _value(schema: Json, name: str, question: Question, root: JsonObject, depth: int) -> Json:
    resolved = _resolved(schema, root)
    if depth == 0 or not resolved:
        return None
    for key in ("const", "default"):
        if key in resolved:
            return resolved[key]
    if isinstance(labels := resolved.get("enum"), Sequence) and labels:
        return _picked(labels, question)
    if isinstance(options := resolved.get("anyOf") or resolved.get("oneOf"), Sequence) and options:
        return _value(options[0], name, question, root, depth - 1)
    match _type(resolved):
        case "object":
            return _object(resolved, question, root, depth)
        case "array":
            return _array(resolved, name, question, root, depth)
        case kind:
            return _scalar(kind, resolved, name, question)


def _object(schema: JsonObject, question: Question, root: JsonObject, depth: int) -> JsonObject:
    properties = schema.get("properties")
    if not isinstance(properties, Mapping):
        return {}
    return {name: _value(inner, name, question, root, depth - 1) for name, inner in properties.items()}


def _array(schema: JsonObject, name: str, question: Question, root: JsonObject, depth: int) -> Sequence[Json]:
    fewest = schema.get("minItems", 0)
    count = min(max(1, fewest), MOST_ITEMS) if isinstance(fewest, int) else 1
    return [_value(schema.get("items", {}), name, question, root, depth - 1)] * count


def _scalar(kind: Json, schema: JsonObject, name: str, question: Question) -> Json:
    match kind:
        case "string":
            longest = schema.get("maxLength")
            text = _labelled(schema, name, question)
            if text is None and _may_be_null(schema):
                return None
            return (summary(question) if text is None else text)[: longest if isinstance(longest, int) else None]
        case "integer" | "number":
            return schema.get("minimum", question.round if "round" in name else 0)
        case "boolean":
            return "approv" in name and question.round > PATIENCE
    return None


def _labelled(schema: JsonObject, name: str, question: Question) -> str | None:
    """What stands in the material behind a label of the property's words (`due_date` behind `Due date:`), the shortest such label first;
    only its number where a pattern wants digits."""
    wanted = set(name.lower().split("_"))
    lines = [
        (label.lower().split(), said.strip()) for label, colon, said in (line.partition(":") for line in question.material.splitlines())
    ]
    found = min(((len(label), said) for label, said in lines if said and wanted <= set(label)), default=None)
    if found is None or not str(schema.get("pattern", "")).startswith("^[0-9]"):
        return None if found is None else found[1]
    number = _NUMBER.search(found[1])
    return None if number is None else number[0].replace(",", "")


def _may_be_null(schema: JsonObject) -> bool:
    kind = schema.get("type")
    return isinstance(kind, list | tuple) and "null" in kind


def _picked(labels: Sequence[Json], question: Question) -> Json:
    """Labels that are texts are classified; of other values the first is taken."""
    texts = [label for label in labels if isinstance(label, str)]
    return pick(question, texts) if texts else labels[0]


def _type(schema: JsonObject) -> Json:
    kind = schema.get("type", "object" if "properties" in schema else "string")
    return kind[0] if isinstance(kind, Sequence) and not isinstance(kind, str) and kind else kind


def _resolved(schema: Json, root: JsonObject) -> JsonObject:
    """The schema itself, or the one under `#/$defs` it refers to."""
    if not isinstance(schema, Mapping):
        return {}
    target: Json = root
    for step in str(schema.get("$ref", "")).removeprefix("#").split("/")[1:]:
        target = target.get(step) if isinstance(target, Mapping) else None
    return schema if "$ref" not in schema else target if isinstance(target, Mapping) else {}

"""What several words of a schema say together, as JSON Schema 2020-12 says it."""

from collections.abc import Mapping
from typing import TypeAlias

from application.openapi.keywords import SPELLINGS, TYPES, is_number, is_short, shortened
from domain.json import Json, JsonObject

Members: TypeAlias = dict[str, Json]


def finished(made: Members, written: JsonObject, hidden: str) -> Members:
    """`made`: the words of `written` that could be taken over one by one; it is changed. `hidden`: marks members that are not there."""
    _say_types(made, written.get("type"))
    _say_required(made, written, hidden)
    _say_bounds(made, written)
    if "discriminator" in written and "oneOf" in made and "anyOf" not in made:
        # Which one it is, the discriminator says; that another would take it too is no fault.
        made["anyOf"] = made.pop("oneOf")
    _say_texts(made, written)
    return _or_null(made) if written.get("nullable", written.get("x-nullable")) is True else made


def _say_types(made: Members, written: Json) -> None:
    found = [written] if isinstance(written, str) else written if isinstance(written, list) else []
    types = [SPELLINGS.get(one, one) for one in found if isinstance(one, str)]
    known = list(dict.fromkeys(one for one in types if one in TYPES))
    if known and len(known) == len(set(types)):
        made["type"] = known[0] if len(known) == 1 else known
    if written == "file":
        made.setdefault("format", "binary")


def _say_required(made: Members, written: JsonObject, hidden: str) -> None:
    required, properties = made.get("required"), written.get("properties")
    if not isinstance(required, list):
        return
    gone = (
        {name for name, one in properties.items() if isinstance(one, Mapping) and one.get(hidden) is True}
        if isinstance(properties, Mapping)
        else ()
    )
    made["required"] = [name for name in dict.fromkeys(required) if name not in gone]


def _say_bounds(made: Members, written: JsonObject) -> None:
    """Before 3.1 `exclusiveMinimum: true` says how `minimum` is meant."""
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if written.get(exclusive) is True and is_number(written.get(bound)):
            made.pop(bound, None)
            made[exclusive] = written[bound]


def _say_texts(made: Members, written: JsonObject) -> None:
    for word in ("title", "description"):
        if isinstance(text := made.get(word), str):
            made[word] = shortened(text)
    given = written.get("examples")
    examples = [*(given if isinstance(given, list) else ()), *([written["example"]] if "example" in written else ())]
    if short := [example for example in examples if is_short(example)][:3]:
        made["examples"] = short


def _or_null(made: Members) -> Members:
    kind, choice = made.get("type"), made.get("enum")
    if isinstance(choice, list) and None not in choice:
        made["enum"] = [*choice, None]
    if isinstance(kind, str):
        return {**made, "type": [kind, "null"] if kind != "null" else kind}
    if {"$ref", "allOf", "oneOf", "anyOf"} & made.keys():
        said: Members = {word: made.pop(word) for word in ("title", "description", "default") if word in made}
        return {"anyOf": [made, {"type": "null"}], **said}
    return made

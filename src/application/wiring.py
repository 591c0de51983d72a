"""What a workflow takes and gives, so that one can be joined to another."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from domain.graph.checks import type_of
from domain.graph.definition import Graph
from domain.json import Json, JsonObject

_STATE_VALUE: Final = re.compile(r"\$\{\s*state\.([A-Za-z_]\w*)\s*\}")


@dataclass(frozen=True, slots=True)
class Ports:
    """What a workflow takes and gives, by name; an empty schema where that cannot be told. `closed`: it takes nothing else."""

    takes: Mapping[str, JsonObject]
    gives: Mapping[str, JsonObject]
    required: frozenset[str] = frozenset()
    closed: bool = False


def ports_of(graph: Graph) -> Ports:
    """Members of the input and of the output. Input named like a channel starts that channel; no `output` gives the whole state."""
    channels = {name: channel.schema for name, channel in graph.channels.items()}
    schema = graph.input_schema or {}
    declared = {name: object_or_empty(inner) for name, inner in object_or_empty(schema.get("properties")).items()}
    required = schema.get("required")
    gives = channels if graph.output is None else {name: _type_of_output(written, channels) for name, written in graph.output.items()}
    return Ports(
        takes=channels | declared,
        gives=gives,
        required=frozenset(str(name) for name in required) if isinstance(required, list) else frozenset(),
        closed=schema.get("additionalProperties") is False,
    )


def _type_of_output(written: Json, channels: Mapping[str, JsonObject]) -> JsonObject:
    if not isinstance(written, str):
        return {"type": type_of(written)}
    whole = _STATE_VALUE.fullmatch(written)
    return channels.get(whole[1], {}) if whole else {}


def object_or_empty(written: Json) -> JsonObject:
    return written if isinstance(written, dict) else {}


def can_meet(given: JsonObject, wanted: JsonObject) -> bool:
    """May a value of one schema be one of the other, as far as their `type`s say?"""
    one, other = _types(given), _types(wanted)
    return not one or not other or bool(one & other)


def _types(schema: JsonObject) -> frozenset[str]:
    written = schema.get("type")
    names = {written} if isinstance(written, str) else {str(name) for name in written} if isinstance(written, list) else set()
    return frozenset(names | {"integer"} if "number" in names else names)

"""Parameters as a list of definitions and as one JSON Schema; each says what the other does."""

import math
from collections.abc import Mapping, Sequence
from typing import Final

from domain.errors import Problem, ValidationError
from domain.json import Json, JsonObject
from domain.tool import ParameterDefinition, ParameterType

_TYPES: Final[Mapping[str, ParameterType]] = {kind.value: kind for kind in ParameterType} | {"integer": ParameterType.NUMBER}


def schema_of(parameters: Sequence[ParameterDefinition]) -> JsonObject:
    """`ValidationError` for two parameters of one name, or a default its own type refuses."""
    problems = list(_problems(parameters))
    if problems:
        raise ValidationError("these parameters contradict themselves: " + "; ".join(one.message for one in problems), problems)
    return {
        "type": "object",
        "properties": {one.name: _property(one) for one in parameters},
        "required": [one.name for one in parameters if one.required],
        "additionalProperties": False,
    }


def parameters_of(schema: JsonObject) -> tuple[ParameterDefinition, ...]:
    """The definitions behind an object schema, in its order; an integer is a Number.

    `ValidationError` names each property without one plain type.
    """
    properties = schema.get("properties", {})
    required = schema.get("required", [])
    if not isinstance(properties, Mapping) or not isinstance(required, Sequence):
        raise ValidationError("the schema describes no object with properties")
    read = {name: _definition(name, one, name in required) for name, one in properties.items()}
    untyped = [name for name, one in read.items() if one is None]
    if untyped:
        message = "a parameter is a string, number, boolean, array or object"
        raise ValidationError(message, [Problem(f"/properties/{name}", "no_parameter_type", message) for name in untyped])
    return tuple(one for one in read.values() if one is not None)


def fits(kind: ParameterType, value: Json) -> bool:
    """Whether `value` is of that type. True is not a Number, nor is what JSON cannot hold."""
    match kind:
        case ParameterType.STRING:
            return isinstance(value, str)
        case ParameterType.NUMBER:
            return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        case ParameterType.BOOLEAN:
            return isinstance(value, bool)
        case ParameterType.ARRAY:
            return isinstance(value, Sequence) and not isinstance(value, str | bytes)
        case ParameterType.OBJECT:
            return isinstance(value, Mapping)


def _problems(parameters: Sequence[ParameterDefinition]) -> list[Problem]:
    names = [one.name for one in parameters]
    twice = [Problem(f"/{name}", "duplicate_parameter", f"{name} is there twice") for name in dict.fromkeys(names) if names.count(name) > 1]
    return twice + [
        Problem(f"/{one.name}/default", "wrong_default", f"the default of {one.name} is no {one.parameter_type}")
        for one in parameters
        if one.default_value is not None and not fits(one.parameter_type, one.default_value)
    ]


def _property(parameter: ParameterDefinition) -> JsonObject:
    schema: dict[str, Json] = {"type": parameter.parameter_type.value}
    if parameter.description:
        schema["description"] = parameter.description
    if parameter.default_value is not None:
        schema["default"] = parameter.default_value
    return schema


def _definition(name: str, schema: Json, required: bool) -> ParameterDefinition | None:
    """None when the schema has no one type that is a parameter's."""
    if not isinstance(schema, Mapping):
        return None
    written = schema.get("type")
    kind = _TYPES.get(written) if isinstance(written, str) else None
    if kind is None:
        return None
    return ParameterDefinition(name, kind, required, schema.get("default"), str(schema.get("description", "")))

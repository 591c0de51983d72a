"""A function's signature as JSON Schemas, and JSON as its arguments."""

import inspect
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import TypeAdapter
from pydantic import ValidationError as PydanticError
from pydantic.errors import PydanticUserError

from domain.errors import FactoryError, ToolError
from domain.json import Json, JsonObject
from domain.ports.tools import ToolContext
from infrastructure.tools.docstrings import parameter_texts

_BY_NAME: Final = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


@dataclass(frozen=True, slots=True)
class Signature:
    """`context` names the parameter that gets the `ToolContext`, or is empty."""

    parameters: JsonObject
    returns: JsonObject
    adapters: Mapping[str, TypeAdapter[object]]
    result: TypeAdapter[object]
    context: str

    def arguments(self, given: JsonObject, context: ToolContext) -> dict[str, object]:
        """What to call the function with. `ToolError` `invalid_arguments` for what a type refuses beyond its schema."""
        try:
            # As JSON and strict: a date may come as a string, but True is no number and "1" is none either.
            read = {name: self.adapters[name].validate_json(json.dumps(value), strict=True) for name, value in given.items()}
        except PydanticError as error:
            raise ToolError(f"invalid arguments: {_first(error)}", "invalid_arguments") from None
        return read | ({self.context: context} if self.context else {})

    def output(self, returned: object) -> Json:
        """`ToolError` `invalid_output` for what has no form in JSON."""
        try:
            self.result.validate_python(returned, strict=True)
            _refuse_no_numbers(self.result.dump_python(returned, warnings=False))
            dumped: Json = self.result.dump_python(returned, mode="json", warnings=False)
        except (ValueError, RecursionError) as error:
            raise ToolError(f"the tool returned what is no JSON: {error}", "invalid_output") from None
        return dumped


def _refuse_no_numbers(value: object) -> None:
    """In JSON they would become null without a word."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"it has a number that is {value}")
    below = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple | set | frozenset) else ()
    for one in below:
        _refuse_no_numbers(one)


def _first(error: PydanticError) -> str:
    found = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return f"{'/'.join(map(str, found['loc'])) or 'value'}: {found['msg']}"


def read_signature(function: Callable[..., object], name: str) -> Signature:
    """`FactoryError` when a parameter has no type, cannot be given by name, or has a type with no form in JSON."""
    try:
        signature = inspect.signature(function, eval_str=True)
        parameters = {one.name: _checked(one, name) for one in signature.parameters.values()}
        context = next((one.name for one in parameters.values() if one.annotation is ToolContext), "")
        own = {key: one for key, one in parameters.items() if key != context}
        adapters: dict[str, TypeAdapter[object]] = {key: TypeAdapter(one.annotation) for key, one in own.items()}
        result: TypeAdapter[object] = TypeAdapter(
            Any if signature.return_annotation is inspect.Signature.empty else signature.return_annotation
        )
        schema = _object_schema(own, adapters, parameter_texts(function))
        return Signature(schema, result.json_schema(mode="serialization"), adapters, result, context)
    except (PydanticUserError, NameError, TypeError, ValueError) as error:
        raise FactoryError(f"the tool {name} has a signature with no JSON Schema: {error}") from error


def _checked(parameter: inspect.Parameter, tool: str) -> inspect.Parameter:
    if parameter.kind not in _BY_NAME:
        raise FactoryError(f"the tool {tool} takes {parameter}: arguments come by name, so each needs one")
    if parameter.annotation is inspect.Parameter.empty:
        raise FactoryError(f"the parameter {parameter.name} of the tool {tool} has no type")
    return parameter


def _object_schema(
    parameters: Mapping[str, inspect.Parameter], adapters: Mapping[str, TypeAdapter[object]], texts: Mapping[str, str]
) -> JsonObject:
    schemas, shared = TypeAdapter.json_schemas([(name, "validation", adapter) for name, adapter in adapters.items()])
    properties = {name: _described(schemas[name, "validation"], parameters[name], texts.get(name), adapters[name]) for name in parameters}
    required = [name for name, one in parameters.items() if one.default is inspect.Parameter.empty]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False, **shared}


def _described(schema: JsonObject, parameter: inspect.Parameter, text: str | None, adapter: TypeAdapter[object]) -> JsonObject:
    described = dict(schema)
    if text:
        described.setdefault("description", text)
    if parameter.default is not inspect.Parameter.empty:
        described["default"] = adapter.dump_python(parameter.default, mode="json", warnings=False)
    return described

"""Parameters as definitions and as one JSON Schema."""

import pytest

from domain.errors import ValidationError
from domain.json import Json, JsonObject
from domain.tool import ParameterDefinition, ParameterType
from infrastructure.schemas import JsonSchemas
from infrastructure.tools.parameters import fits, parameters_of, schema_of

STRING, NUMBER, BOOLEAN, ARRAY, OBJECT = ParameterType
VALUES: list[tuple[Json, ParameterType | None]] = [
    ("text", STRING),
    ("", STRING),
    ("1", STRING),
    (1, NUMBER),
    (-1.5, NUMBER),
    (0, NUMBER),
    (True, BOOLEAN),
    (False, BOOLEAN),
    ([], ARRAY),
    ([1, "a"], ARRAY),
    ({}, OBJECT),
    ({"a": 1}, OBJECT),
    (None, None),
]
TABLE = [pytest.param(kind, value, kind is owner, id=f"{value!r} as {kind}") for value, owner in VALUES for kind in ParameterType]


@pytest.mark.parametrize(("kind", "value", "accepted"), TABLE)
def test_a_value_fits_one_type_and_its_schema_says_the_same(kind: ParameterType, value: Json, accepted: bool) -> None:
    schema = JsonSchemas().compile(schema_of([ParameterDefinition("it", kind, required=True)]))

    assert fits(kind, value) is accepted
    assert schema.accepts({"it": value}) is accepted


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_json_cannot_hold_is_no_number(number: float) -> None:
    assert not fits(NUMBER, number)


def test_definitions_survive_the_way_to_a_schema_and_back() -> None:
    definitions = (
        ParameterDefinition("query", STRING, required=True, description="What to look for."),
        ParameterDefinition("limit", NUMBER, required=False, default_value=5),
        ParameterDefinition("strict", BOOLEAN, required=False, default_value=False),
        ParameterDefinition("tags", ARRAY, required=False, default_value=["a"]),
        ParameterDefinition("options", OBJECT, required=True),
    )

    assert parameters_of(schema_of(definitions)) == definitions


def test_a_schema_survives_the_way_to_definitions_and_back() -> None:
    schema: JsonObject = {
        "type": "object",
        "properties": {"a": {"type": "string", "description": "A."}, "b": {"type": "number", "default": 2}},
        "required": ["a"],
        "additionalProperties": False,
    }

    assert schema_of(parameters_of(schema)) == schema


def test_an_integer_is_a_number() -> None:
    assert parameters_of({"properties": {"n": {"type": "integer"}}}) == (ParameterDefinition("n", NUMBER, required=False),)


def test_every_property_without_one_plain_type_is_named() -> None:
    schema: JsonObject = {"properties": {"a": {"type": ["string", "null"]}, "b": {}, "c": {"type": "string"}, "d": True}}

    with pytest.raises(ValidationError) as raised:
        parameters_of(schema)

    assert [problem.pointer for problem in raised.value.problems] == ["/properties/a", "/properties/b", "/properties/d"]


@pytest.mark.parametrize("schema", [{"properties": []}, {"properties": {}, "required": 1}])
def test_a_schema_of_no_object_has_no_parameters(schema: JsonObject) -> None:
    with pytest.raises(ValidationError, match="describes no object"):
        parameters_of(schema)


def test_all_contradictions_of_definitions_are_told_at_once() -> None:
    with pytest.raises(ValidationError) as raised:
        schema_of(
            [
                ParameterDefinition("a", NUMBER, required=False, default_value=True),
                ParameterDefinition("b", STRING, required=True),
                ParameterDefinition("b", STRING, required=True),
            ]
        )

    assert [problem.code for problem in raised.value.problems] == ["duplicate_parameter", "wrong_default"]

"""Schemas of every version become JSON Schema 2020-12 that takes the same values."""

import json
from typing import Any

import pytest

from application.openapi import Import, Wanted
from application.openapi.bounding import MOST_BYTES
from domain.errors import ValidationError
from infrastructure.schemas import JsonSchemas
from tests.unit.application.openapi.described import imported, only_tool, openapi, reason, taking


def body_schema(schema: Any, components: Any = None, version: str = "3.0.3") -> Any:
    parameters = only_tool(taking(schema, components, version))["parameters"]
    return parameters["properties"]["body"]


def accepts(document: Any, body: Any) -> bool:
    return JsonSchemas().compile(only_tool(document)["parameters"]).accepts({"body": body})


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param({"type": "string", "format": "date"}, {"type": "string", "format": "date"}, id="a format is kept"),
        pytest.param({"type": "string", "nullable": True}, {"type": ["string", "null"]}, id="nullable is a type more"),
        pytest.param(
            {"enum": ["a"], "type": "string", "nullable": True}, {"enum": ["a", None], "type": ["string", "null"]}, id="null is chosen"
        ),
        pytest.param({"type": "string", "x-nullable": True}, {"type": ["string", "null"]}, id="nullable as Swagger writes it"),
        pytest.param({"minimum": 1, "exclusiveMinimum": True}, {"exclusiveMinimum": 1}, id="a bound that is meant exclusively"),
        pytest.param({"maximum": 9, "exclusiveMaximum": False}, {"maximum": 9}, id="a bound that is not"),
        pytest.param({"type": "file"}, {"type": "string", "format": "binary"}, id="a file is text in some form"),
        pytest.param({"type": "int32"}, {"type": "integer"}, id="a type by another name"),
        pytest.param({"type": "Person"}, {}, id="a type that nobody knows says nothing"),
        pytest.param({"type": "string", "example": "x"}, {"type": "string", "examples": ["x"]}, id="an example is one of several"),
        pytest.param({"example": "x" * 300}, {}, id="a long example is left out"),
        pytest.param({"required": True, "type": "string"}, {"type": "string"}, id="required as drafts of old had it"),
        pytest.param({"enum": []}, {}, id="a choice of nothing is no choice"),
        pytest.param({"minLength": -1, "maxLength": "9"}, {}, id="values that a word may not have"),
        pytest.param({"maximum": 2**64}, {}, id="a bound beyond 64 bits is none"),
        pytest.param({"pattern": "^[a-z]+$"}, {"pattern": "^[a-z]+$"}, id="a pattern is kept"),
        pytest.param({"pattern": "/^[a-z+$/"}, {}, id="a pattern that no engine takes is left out"),
        pytest.param({"xml": {"name": "x"}, "externalDocs": {}, "x-thing": 1}, {}, id="what is no word of a schema is left out"),
        pytest.param({"allOf": [{"type": "object"}, {}]}, {"allOf": [{"type": "object"}, {}]}, id="all of"),
        pytest.param({"oneOf": [{"type": "string"}]}, {"oneOf": [{"type": "string"}]}, id="one of"),
        pytest.param({"oneOf": [{}], "discriminator": {"propertyName": "k"}}, {"anyOf": [{}]}, id="which one it is, a discriminator says"),
        pytest.param({"additionalProperties": {"type": "string"}}, {"additionalProperties": {"type": "string"}}, id="a map"),
        pytest.param({"items": [{"type": "string"}, {}]}, {"items": {"anyOf": [{"type": "string"}, {}]}}, id="items by place"),
        pytest.param({"allOf": [{}], "nullable": True}, {"anyOf": [{"allOf": [{}]}, {"type": "null"}]}, id="all of it, or null"),
        pytest.param("no schema", {}, id="what is no schema takes anything"),
    ],
)
def test_a_schema_of_3_0(written: Any, expected: Any) -> None:
    assert body_schema(written) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param({"type": ["string", "null"]}, {"type": ["string", "null"]}, id="several types"),
        pytest.param({"const": 3}, {"const": 3}, id="one value"),
        pytest.param({"exclusiveMinimum": 3}, {"exclusiveMinimum": 3}, id="a bound by itself"),
        pytest.param({"prefixItems": [{}, {"type": "string"}]}, {"prefixItems": [{}, {"type": "string"}]}, id="items by place"),
        pytest.param(
            {"if": {"type": "string"}, "then": {"minLength": 1}}, {"if": {"type": "string"}, "then": {"minLength": 1}}, id="if, then"
        ),
        pytest.param({"examples": ["x", "y"]}, {"examples": ["x", "y"]}, id="examples"),
        pytest.param({"patternProperties": {"^x-": {}, "(": {}}}, {"patternProperties": {"^x-": {}}}, id="names by a usable pattern"),
    ],
)
def test_a_schema_of_3_1(written: Any, expected: Any) -> None:
    assert body_schema(written, version="3.1.0") == expected


def test_what_a_service_writes_itself_is_not_asked_for() -> None:
    schema = body_schema({"type": "object", "required": ["id", "name"], "properties": {"id": {"readOnly": True}, "name": {}}})

    assert schema == {"type": "object", "required": ["name"], "properties": {"name": {}}}


def test_what_is_shared_is_a_definition() -> None:
    pet = {"type": "object", "properties": {"kind": {"$ref": "#/components/schemas/Kind"}}}
    parameters = only_tool(taking({"$ref": "#/components/schemas/Pet"}, {"Pet": pet, "Kind": {"enum": ["cat"]}}))["parameters"]

    assert parameters["properties"]["body"] == {"$ref": "#/$defs/Pet"}
    assert parameters["$defs"] == {"Pet": {"type": "object", "properties": {"kind": {"$ref": "#/$defs/Kind"}}}, "Kind": {"enum": ["cat"]}}


def test_definitions_of_one_name_in_two_places_are_two() -> None:
    inner = {"properties": {"Pet": {"type": "string"}}}
    both = {"allOf": [{"$ref": "#/components/schemas/Pet"}, {"$ref": "#/components/schemas/Zoo/properties/Pet"}]}
    parameters = only_tool(taking(both, {"Pet": {"type": "integer"}, "Zoo": inner}))["parameters"]

    assert parameters["$defs"] == {"Pet": {"type": "integer"}, "Pet_2": {"type": "string"}}


def test_a_schema_that_leads_back_to_itself_stays_one() -> None:
    tree = {"type": "object", "properties": {"children": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}}}}
    document = taking({"$ref": "#/components/schemas/Tree"}, {"Tree": tree})

    assert accepts(document, {"children": [{"children": []}]})
    assert not accepts(document, {"children": [{"children": [7]}]})


def test_two_schemas_may_lead_to_each_other() -> None:
    document = taking(
        {"$ref": "#/components/schemas/A"},
        {
            "A": {"properties": {"b": {"$ref": "#/components/schemas/B"}}},
            "B": {"type": "array", "items": {"$ref": "#/components/schemas/A"}},
        },
    )

    assert accepts(document, {"b": [{"b": []}]})
    assert not accepts(document, {"b": {}})


def test_beside_a_reference_only_words_for_people_count_before_3_1() -> None:
    beside = {"$ref": "#/components/schemas/Name", "description": "whose", "maxLength": 1}

    assert body_schema(beside, {"Name": {"type": "string"}}) == {"$ref": "#/$defs/Name", "description": "whose"}
    assert body_schema(beside, {"Name": {"type": "string"}}, "3.1.0") == {"$ref": "#/$defs/Name", "description": "whose", "maxLength": 1}


@pytest.mark.parametrize(
    ("reference", "code"),
    [
        pytest.param("https://example.com/pet.json", "remote_reference", id="on another machine"),
        pytest.param("pet.json#/Pet", "remote_reference", id="in another file"),
        pytest.param("#/components/schemas/Nobody", "dangling_reference", id="nowhere"),
        pytest.param("#Pet", "dangling_reference", id="an anchor"),
        pytest.param("#", "dangling_reference", id="the whole document"),
    ],
)
def test_a_reference_that_leads_out_of_the_document_is_a_reason_and_nothing_is_fetched(reference: str, code: str) -> None:
    at = "/paths/~1things/post/requestBody/content/application~1json/schema/properties/pet"

    assert reason(taking({"properties": {"pet": {"$ref": reference}}})) == (code, at)


def test_a_reference_may_be_percent_encoded() -> None:
    assert accepts(taking({"$ref": "#/components/schemas/A%20pet"}, {"A pet": {"type": "integer"}}), 3)


def test_of_a_schema_that_is_too_big_the_nearest_definitions_are_kept() -> None:
    names = [f"S{number}" for number in range(9)]
    chain = {
        name: {"description": "x" * 1_900, "properties": {"next": {"$ref": f"#/components/schemas/S{place + 1}"}}}
        for place, name in enumerate(names)
    }
    chain["S9"] = {"description": "y" * MOST_BYTES, "enum": ["y" * MOST_BYTES]}
    found = imported(taking({"$ref": "#/components/schemas/S0"}, chain))
    (tool,) = found.tools.values()

    kept = tool["parameters"]["$defs"]
    assert list(kept) == names
    assert kept["S8"]["properties"]["next"] == {"title": "S9"}
    assert [one.problem.code for one in found.told.warnings] == ["shortened"]


def test_of_a_schema_whose_references_fan_out_without_end_as_much_is_kept_as_compiles() -> None:
    """Twenty levels that each name the next one twice are a million checks."""
    names = [f"L{number}" for number in range(20)]
    fan = {name: {"anyOf": [{"$ref": f"#/components/schemas/L{place + 1}"}] * 2} for place, name in enumerate(names)}
    found = imported(taking({"$ref": "#/components/schemas/L0"}, {**fan, "L20": {"type": "string"}}))

    (tool,) = found.tools.values()
    assert 5 <= len(tool["parameters"]["$defs"]) < 20
    assert [one.problem.code for one in found.told.warnings] == ["shortened"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param(
            100, {"type": "object", "description": "A big one", "properties": {"near": {"type": "object"}}}, id="its outer levels"
        ),
        pytest.param(500, {"type": "object", "description": "A big one"}, id="its outermost level when these are too big"),
    ],
)
def test_of_a_schema_that_is_too_big_by_itself_some_is_kept(words: int, expected: Any) -> None:
    many = {f"field_{number}": {"type": "string", "description": "z" * words} for number in range(300)}
    near = {"near": {"type": "object", "properties": many}} if words == 100 else many
    found = imported(taking({"type": "object", "description": "A big one", "properties": near}))

    (tool,) = found.tools.values()
    assert tool["parameters"]["properties"]["body"] == expected
    assert [one.problem.code for one in found.told.warnings] == ["shortened"]


def test_what_is_nested_too_deep_is_anything_below() -> None:
    schema: Any = {"type": "string"}
    for _ in range(200):
        schema = {"type": "array", "items": schema}

    assert accepts(taking(schema), [[[[[]]]]])


def test_answers_are_checked_only_when_somebody_wants_it() -> None:
    answer = {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}}}}
    pet = {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer", "readOnly": True}, "word": {"writeOnly": True}}}
    document = openapi({"/pet": {"get": {"responses": answer}}}, components={"schemas": {"Pet": pet}})

    assert only_tool(document)["returns"] == {}
    checked = JsonSchemas().compile(only_tool(document, checks_answers=True)["returns"])
    assert checked.accepts({"id": 1})
    assert checked.accepts(None)
    assert not checked.accepts({"id": "1"})


class Picky:
    """A compiler that has something against one word."""

    def compile(self, schema: Any) -> Any:
        if "unspeakable" in json.dumps(schema):
            raise ValidationError("this is no usable JSON Schema: unspeakable")
        return JsonSchemas().compile(schema)


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param({"description": "unspeakable"}, id="in an argument"),
        pytest.param({"$ref": "#/components/schemas/Bad"}, id="in a definition"),
        pytest.param({"items": {"$ref": "#/components/schemas/Far"}}, id="in a definition of a definition"),
    ],
)
def test_a_schema_that_the_compiler_refuses_is_a_reason(schema: Any) -> None:
    far = {"properties": {"bad": {"$ref": "#/components/schemas/Bad"}}}
    document = taking(schema, {"Bad": {"description": "unspeakable"}, "Far": far})

    (found,) = Import.of(document, Wanted(), Picky())

    assert found.tool is None
    assert [(one.code, one.message) for one in found.problems] == [
        ("schema_refused", "this is no usable JSON Schema: unspeakable"),
    ]

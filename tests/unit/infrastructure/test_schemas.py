"""JSON Schema: what is accepted, what is said about the rest, and what is refused as a schema."""

from time import thread_time

import pytest

from domain.errors import ValidationError
from domain.json import Json, JsonObject
from infrastructure.schemas import JsonSchemas

SCHEMAS = JsonSchemas()
PERSON: JsonObject = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "a/b~c": {"type": "integer"}, "tags": {"type": "array", "items": {"enum": ["x", "y"]}}},
    "required": ["name"],
    "additionalProperties": False,
}


def fan_out(levels: int) -> JsonObject:
    """Each definition names the next one twice."""
    twice = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(levels)}
    return {"$defs": {**twice, f"d{levels}": {"type": "integer"}}, "$ref": "#/$defs/d0"}


def nested(levels: int) -> Json:
    schema: Json = {"type": "integer"}
    for _ in range(levels):
        schema = {"not": schema}
    return schema


def test_a_value_that_fits_is_accepted_and_has_no_problems() -> None:
    schema = SCHEMAS.compile(PERSON)
    assert schema.accepts({"name": "Ada", "tags": ["x"]})
    assert schema.problems({"name": "Ada", "tags": ["x"]}) == ()


def test_every_violation_is_named_with_its_pointer() -> None:
    schema = SCHEMAS.compile(PERSON)
    wrong: Json = {"a/b~c": "1", "tags": ["x", "z"], "more": 1}
    assert not schema.accepts(wrong)
    found = {(problem.pointer, problem.code) for problem in schema.problems(wrong)}
    assert found == {
        ("/a~1b~0c", "schema_type"),
        ("/tags/1", "schema_enum"),
        ("", "schema_required"),
        ("", "schema_additionalProperties"),
    }


def test_a_thousand_violations_are_not_all_told() -> None:
    assert len(SCHEMAS.compile({"items": {"type": "string"}}).problems([1] * 1000)) == 100


def test_what_is_said_about_a_long_value_is_short() -> None:
    (problem,) = SCHEMAS.compile({"type": "integer"}).problems("x" * 10_000)
    assert len(problem.message) < 400


def test_of_alternatives_none_of_which_fits_each_says_what_is_wrong() -> None:
    amount = SCHEMAS.compile({"anyOf": [{"type": "string", "pattern": "^[0-9]+$"}, {"type": "number"}, {"type": "null"}]})

    assert [problem.message for problem in amount.problems("-1")] == ['"-1" does not match "^[0-9]+$"; and "-1" is not of type "number"']


def test_one_schema_is_compiled_once_however_it_is_ordered() -> None:
    assert SCHEMAS.compile({"type": "object", "minProperties": 1}) is SCHEMAS.compile({"minProperties": 1, "type": "object"})


def test_a_large_schema_is_compiled_once_too() -> None:
    large: JsonObject = {"enum": ["x" * 100 + str(number) for number in range(100)]}
    assert SCHEMAS.compile(large) is SCHEMAS.compile(dict(large))


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_number_that_json_has_not_is_refused_also_where_null_was_accepted(number: float) -> None:
    assert SCHEMAS.compile({"const": None}).accepts(None)
    with pytest.raises(ValidationError, match="no usable JSON Schema: Out of range float"):
        SCHEMAS.compile({"const": number})


def test_a_schema_may_refer_to_itself() -> None:
    tree = SCHEMAS.compile({"type": "object", "properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}}, "additionalProperties": False})
    assert tree.accepts({"left": {"right": {}}})
    assert not tree.accepts({"left": {"up": {}}})


@pytest.mark.parametrize("schema", [True, {}])
def test_a_schema_may_accept_everything(schema: Json) -> None:
    assert SCHEMAS.compile(schema).accepts({"a": [1]})


@pytest.mark.parametrize(
    ("schema", "pointer"),
    [
        pytest.param({"type": "nope"}, "/type", id="a type that is none"),
        pytest.param({"properties": {"a": {"minimum": "1"}}}, "/properties/a/minimum", id="a keyword of the wrong type"),
        pytest.param([1], "", id="a list"),
        pytest.param("string", "", id="a text"),
        pytest.param({"pattern": "("}, "/pattern", id="a pattern that is none"),
        pytest.param({"$ref": "http://127.0.0.1:9/x.json"}, "", id="a reference to a server"),
        pytest.param({"$ref": "file:///etc/passwd"}, "", id="a reference to a file"),
        pytest.param({"$ref": "#/$defs/nothing"}, "", id="a reference to nothing"),
        pytest.param(nested(200), "", id="nesting without end"),
        pytest.param(nested(2_000), "", id="nesting beyond what libraries read"),
        pytest.param({"const": 2**63}, "", id="a whole number of more than 64 bits"),
        pytest.param({"const": "\ud800"}, "", id="half a surrogate pair"),
        pytest.param(fan_out(40), "", id="references that fan out"),
    ],
)
def test_what_is_no_usable_schema_is_refused_within_100_ms(schema: Json, pointer: str) -> None:
    before = thread_time()
    with pytest.raises(ValidationError, match="no usable JSON Schema") as refused:
        SCHEMAS.compile(schema)
    assert refused.value.problems[0].pointer == pointer
    assert thread_time() - before < 0.1


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        pytest.param("^(a+)+$", "a" * 5000 + "b", id="nested repetition"),
        pytest.param(r"^(?=(a+)+$)\1", "a" * 5000 + "b", id="repetition in a lookahead"),
        pytest.param(r"(.*)(.*)(.*)\1\2\3x", "a" * 5000, id="backreferences"),
    ],
)
def test_a_pattern_that_would_backtrack_forever_is_stopped_within_100_ms(pattern: str, text: str) -> None:
    schema = SCHEMAS.compile({"pattern": pattern})
    before = thread_time()
    assert not schema.accepts(text)
    assert schema.problems(text)
    assert thread_time() - before < 0.1


def test_a_value_that_is_no_json_is_not_accepted() -> None:
    schema = SCHEMAS.compile({"type": "string"})
    assert not schema.accepts("\ud800")
    assert schema.problems("\ud800")[0].code == "not_json"

"""What a workflow takes and gives when it is called like a function."""

from datetime import UTC, datetime
from typing import Any

from application.offering import WorkflowSignature, run_of_call
from application.workflow_views import WorkflowView
from domain.access import Principal, Role
from domain.ids import TenantId
from tests.documents import document

ANY_OF_TEXT = {"anyOf": [{"type": "string"}, {"type": "null"}]}


def signature(**members: Any) -> WorkflowSignature:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    written = document(**members)
    return WorkflowSignature.of(
        WorkflowView(name="w", version="1", hash="", description="", created_at=now, updated_at=now, tags=[], document=written)
    )


def test_it_takes_what_its_input_schema_says() -> None:
    schema = {"properties": {"x": {"type": "integer"}}, "required": ["x"], "additionalProperties": False}

    assert signature(input=schema, state={"x": {"type": "number"}}).takes == {**schema, "type": "object"}


def test_without_an_input_schema_it_takes_its_channels() -> None:
    assert signature(state={"x": {"type": "string"}}).takes == {"type": "object", "properties": {"x": {"type": "string"}}}


def test_it_gives_what_its_output_names_or_nothing() -> None:
    found = signature(state={"x": {"type": "string"}}, output={"said": "${state.x}", "more": "${state.x + '!'}"})

    assert (found.gives, found.always) == ({"said": ANY_OF_TEXT, "more": {}}, ("said", "more"))


def test_without_an_output_it_gives_its_state() -> None:
    found = signature(state={"x": {"type": "string"}})

    assert (found.gives, found.always) == ({"x": ANY_OF_TEXT}, ())


def test_a_schema_that_refers_into_itself_is_not_put_into_another() -> None:
    tree = {"$defs": {"node": {"type": "string"}}, "items": [{"$ref": "#/$defs/node"}]}
    found = signature(state={"x": tree})

    assert (found.takes["properties"], found.gives) == ({"x": {}}, {"x": {}})


def test_a_call_names_its_run_for_its_own_key_only() -> None:
    one, other = (Principal(TenantId("t"), Role.OPERATOR, name) for name in ("one", "other"))

    assert run_of_call(one, "session 1") == run_of_call(one, "session 1")
    assert len({run_of_call(one, "session 1"), run_of_call(one, "session '1'"), run_of_call(other, "session 1")}) == 3

"""What a request carries: JSON before forms before text before bytes."""

from typing import Any

import pytest

from tests.unit.application.openapi.described import imported, only_tool, openapi, reason, swagger

OBJECT = {"type": "object", "properties": {"a": {"type": "string"}}}


def posting(content: Any, **more: Any) -> dict[str, Any]:
    return openapi({"/things": {"post": {"requestBody": {"content": content, **more}}}})


def of_type(*types: str) -> dict[str, Any]:
    return posting({one: {"schema": OBJECT} for one in types}, required=True)


@pytest.mark.parametrize(
    ("types", "body"),
    [
        pytest.param(["application/json"], {"json": "${arguments.body}"}, id="JSON"),
        pytest.param(["*/*"], {"json": "${arguments.body}"}, id="anything is JSON"),
        pytest.param(
            ["application/json; charset=utf-8"],
            {"json": "${arguments.body}", "content_type": "application/json; charset=utf-8"},
            id="a charset",
        ),
        pytest.param(
            ["application/vnd.api+json"], {"json": "${arguments.body}", "content_type": "application/vnd.api+json"}, id="JSON of a kind"
        ),
        pytest.param(["text/plain", "application/json"], {"json": "${arguments.body}"}, id="JSON before text"),
        pytest.param(["multipart/form-data", "application/x-www-form-urlencoded"], {"form": {"a": "${arguments.a}"}}, id="a form"),
        pytest.param(["multipart/form-data"], {"multipart": {"a": "${arguments.a}"}}, id="a form of parts"),
        pytest.param(["image/png"], {"base64": "${arguments.body}", "content_type": "image/png"}, id="bytes"),
        pytest.param(["application/zip", "text/csv"], {"text": "${arguments.body}", "content_type": "text/csv"}, id="text before bytes"),
        pytest.param(["application/xml"], {"text": "${arguments.body}", "content_type": "application/xml"}, id="text"),
    ],
)
def test_the_best_type_that_is_offered_is_sent(types: list[str], body: Any) -> None:
    assert only_tool(of_type(*types))["config"]["body"] == body


def test_the_body_is_one_argument_and_needed_where_the_document_says_so() -> None:
    needed = only_tool(posting({"application/json": {"schema": OBJECT}}, required=True, description="What to make."))["parameters"]
    optional = only_tool(posting({"application/json": {"schema": OBJECT}}))["parameters"]

    assert needed["properties"] == {"body": {**OBJECT, "description": "What to make."}}
    assert needed["required"] == ["body"]
    assert "required" not in optional


def test_fields_of_a_form_are_arguments_whatever_they_are_put_together_from() -> None:
    base = {"required": ["id"], "properties": {"id": {"type": "integer"}, "made": {"readOnly": True}}}
    form = {"allOf": [{"$ref": "#/components/schemas/Base"}, {"properties": {"tags": {"type": "array"}}}]}
    document = posting({"application/x-www-form-urlencoded": {"schema": form, "encoding": {"tags": {"explode": False}}}})
    document["components"] = {"schemas": {"Base": base}}
    tool = only_tool(document)

    assert tool["parameters"]["required"] == ["id"]
    assert tool["config"]["body"] == {
        "form": {"id": "${arguments.id}", "tags": {"value": "${arguments.tags}", "style": "form", "explode": False}}
    }


def test_a_file_is_given_in_base64() -> None:
    upload = {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}, "note": {"type": "string"}}}
    tool = only_tool(posting({"multipart/form-data": {"schema": upload}}))

    assert tool["config"]["body"] == {"multipart": {"file": {"base64": "${arguments.file}"}, "note": "${arguments.note}"}}
    assert tool["parameters"]["properties"]["file"]["contentEncoding"] == "base64"


def test_a_file_may_be_described_elsewhere() -> None:
    document = posting({"multipart/form-data": {"schema": {"properties": {"f": {"$ref": "#/components/schemas/File"}}}}})
    document["components"] = {"schemas": {"File": {"type": "string", "format": "binary"}}}

    assert only_tool(document)["config"]["body"] == {"multipart": {"f": {"base64": "${arguments.f}"}}}


def test_a_form_that_is_not_of_parts_has_text_where_the_document_has_a_file() -> None:
    fields = {"f": {"type": "string", "format": "binary"}, "l": {"type": "array", "items": {"type": "string", "format": "binary"}}}
    tool = only_tool(posting({"application/x-www-form-urlencoded": {"schema": {"properties": fields}}}))

    assert tool["config"]["body"] == {"form": {"f": "${arguments.f}", "l": "${arguments.l}"}}


def test_an_empty_form_is_no_body() -> None:
    assert "body" not in only_tool(posting({"application/x-www-form-urlencoded": {"schema": {"properties": {}}}}))["config"]


@pytest.mark.parametrize(
    ("document", "code"),
    [
        pytest.param(of_type("multipart/mixed"), "body_not_supported", id="parts of which nothing is said"),
        pytest.param(of_type("image/*"), "body_not_supported", id="some picture or other"),
        pytest.param(of_type("x" * 300), "body_not_supported", id="a type that no header holds"),
        pytest.param(
            posting({"multipart/form-data": {}}, required=True), "form_without_fields", id="a form of nothing that must be filled in"
        ),
        pytest.param(
            posting(
                {
                    "multipart/form-data": {
                        "schema": {"required": ["f"], "properties": {"f": {"type": "array", "items": {"format": "binary"}}}}
                    }
                }
            ),
            "parameter_not_supported",
            id="a list of files",
        ),
    ],
)
def test_what_cannot_be_carried_is_a_reason(document: Any, code: str) -> None:
    assert reason(document)[0] == code


def test_a_body_of_swagger_has_the_type_that_it_consumes() -> None:
    body = {"in": "body", "name": "pet", "required": True, "schema": OBJECT, "description": "A pet."}
    operation = {"parameters": [body], "consumes": ["application/xml", "application/vnd.pet+json"]}
    tool = only_tool(swagger({"/pets": {"post": operation}}))

    assert tool["config"]["body"] == {"json": "${arguments.body}", "content_type": "application/vnd.pet+json"}
    assert tool["parameters"]["properties"] == {"body": {**OBJECT, "description": "A pet."}}


@pytest.mark.parametrize(
    ("consumes", "more", "kind"),
    [
        pytest.param([], {"type": "string"}, "form", id="a form when nothing is said"),
        pytest.param(["multipart/form-data"], {"type": "string"}, "multipart", id="parts when it says so"),
        pytest.param([], {"type": "file"}, "multipart", id="parts when there is a file"),
    ],
)
def test_a_form_of_swagger(consumes: list[str], more: Any, kind: str) -> None:
    field = {"in": "formData", "name": "f", "required": True, **more}
    tool = only_tool(swagger({"/forms": {"post": {"parameters": [field], "consumes": consumes}}}))

    assert list(tool["config"]["body"]) == [kind]
    assert tool["parameters"]["required"] == ["f"]


@pytest.mark.parametrize(
    ("types", "accept"),
    [
        pytest.param(["text/csv", "application/json"], {"Accept": "application/json"}, id="JSON where it is offered"),
        pytest.param(["application/hal+json", "application/json"], {"Accept": "application/json"}, id="the plainest JSON"),
        pytest.param(["text/csv", "image/png"], {"Accept": "text/csv, image/png"}, id="else whatever is"),
        pytest.param(["*/*"], {}, id="nothing when anything may come"),
    ],
)
def test_a_request_accepts_what_is_offered(types: list[str], accept: Any) -> None:
    answers: Any = {"200": {"content": {one: {} for one in types}}, "404": {"content": {"text/html": {}}}}

    assert only_tool(openapi({"/x": {"get": {"responses": answers}}}))["config"].get("headers", {}) == accept
    assert only_tool(swagger({"/x": {"get": {"produces": types}}}))["config"].get("headers", {}) == accept


def test_answers_of_swagger_can_be_checked() -> None:
    answers = {"200": {"schema": {"type": "array"}}}
    tool = only_tool(swagger({"/x": {"get": {"produces": ["application/json"], "responses": answers}}}), checks_answers=True)

    assert tool["returns"] == {"anyOf": [{"type": "array"}, {"type": "null"}]}


def test_an_answer_that_refers_to_nothing_costs_no_tool() -> None:
    answers = {"200": {"$ref": "#/components/responses/Nobody"}}

    assert len(imported(openapi({"/x": {"get": {"responses": answers}}})).tools) == 1

"""Parameters become arguments, and each goes where it belongs in a request."""

from typing import Any

import pytest

from tests.unit.application.openapi.described import asking, imported, only_tool, openapi, reason, swagger

LIST = {"type": "array", "items": {"type": "string"}}
DEEP = {"type": "object", "properties": {"state": {"type": "string"}}}


def parameter(name: str, place: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "in": place, "schema": {"type": "string"}, **more}


@pytest.mark.parametrize(
    ("written", "config"),
    [
        pytest.param(parameter("q", "query"), {"query": {"q": "${arguments.q}"}}, id="a query"),
        pytest.param(parameter("filter[a]", "query"), {"query": {"filter[a]": "${arguments.filter_a}"}}, id="a name that is no argument's"),
        pytest.param(parameter("X-Trace", "header"), {"headers": {"X-Trace": "${arguments.X_Trace}"}}, id="a header"),
        pytest.param(parameter("session", "cookie"), {"cookies": {"session": "${arguments.session}"}}, id="a cookie"),
        pytest.param(parameter("ids", "query", schema=LIST), {"query": {"ids": "${arguments.ids}"}}, id="a list as it usually is"),
        pytest.param(
            parameter("ids", "query", schema=LIST, explode=False),
            {"query": {"ids": {"value": "${arguments.ids}", "style": "form", "explode": False}}},
            id="a list with commas",
        ),
        pytest.param(
            parameter("ids", "query", schema=LIST, style="pipeDelimited"),
            {"query": {"ids": {"value": "${arguments.ids}", "style": "pipeDelimited", "explode": False}}},
            id="a list with pipes",
        ),
        pytest.param(
            parameter("filter", "query", schema=DEEP, style="deepObject"),
            {"query": {"filter": {"value": "${arguments.filter}", "style": "deepObject", "explode": True}}},
            id="an object by its members",
        ),
        pytest.param(
            parameter("filter", "query", schema=DEEP),
            {"query": {"filter": {"value": "${arguments.filter}", "style": "form", "explode": True}}},
            id="an object as it usually is",
        ),
        pytest.param(
            parameter("v", "query", schema={}),
            {"query": {"v": {"value": "${arguments.v}", "style": "form", "explode": True}}},
            id="anything",
        ),
        pytest.param(parameter("n", "query", explode=False), {"query": {"n": "${arguments.n}"}}, id="one value has no style"),
        pytest.param(parameter("Accept", "header"), {}, id="what a request accepts is no argument"),
        pytest.param(parameter("Content-Type", "header", required=True), {}, id="nor is what it carries"),
    ],
)
def test_a_parameter_has_its_place(written: Any, config: Any) -> None:
    found = only_tool(asking(written))["config"]

    assert found == {"method": "GET", "url": "https://api.example.com/v1/things", **config}


@pytest.mark.parametrize(
    ("kind", "entry"),
    [
        pytest.param({}, {"value": "${arguments.ids}", "style": "form", "explode": False}, id="commas when nothing is said"),
        pytest.param({"collectionFormat": "multi"}, "${arguments.ids}", id="once for each"),
        pytest.param({"collectionFormat": "pipes"}, {"value": "${arguments.ids}", "style": "pipeDelimited", "explode": False}, id="pipes"),
        pytest.param({"collectionFormat": "ssv"}, {"value": "${arguments.ids}", "style": "spaceDelimited", "explode": False}, id="spaces"),
    ],
)
def test_lists_as_swagger_writes_them(kind: Any, entry: Any) -> None:
    ids = {"name": "ids", "in": "query", "type": "array", "items": {"type": "integer"}, **kind}
    tool = only_tool(swagger({"/things": {"get": {"parameters": [ids]}}}))

    assert tool["config"]["query"] == {"ids": entry}
    assert tool["parameters"]["properties"] == {"ids": {"type": "array", "items": {"type": "integer"}}}


def test_the_schema_of_a_parameter_and_what_it_is_for_is_told() -> None:
    state = parameter("state", "query", required=True, description="Which ones.", schema={"enum": ["open", "closed"], "default": "open"})

    assert only_tool(asking(state, parameter("q", "query")))["parameters"] == {
        "type": "object",
        "properties": {
            "state": {"enum": ["open", "closed"], "default": "open", "description": "Which ones."},
            "q": {"type": "string"},
        },
        "required": ["state"],
        "additionalProperties": False,
    }


def test_a_path_has_its_arguments_and_every_call_needs_them() -> None:
    owner, number = parameter("owner-id", "path"), parameter("number", "path", schema={"type": "integer"})
    tool = only_tool(asking(owner, number, path="/repos/{owner-id}/issues/{number}"))

    assert tool["config"]["url"] == "https://api.example.com/v1/repos/{owner_id}/issues/{number}"
    assert tool["parameters"]["required"] == ["owner_id", "number"]


def test_a_path_style_that_is_not_plain_is_told() -> None:
    tool = only_tool(asking(parameter("id", "path", style="matrix", schema=LIST), path="/things/{id}"))

    assert tool["config"]["path"] == {"id": {"style": "matrix", "explode": False}}


def test_a_placeholder_that_is_not_declared_is_an_argument_too() -> None:
    tool = only_tool(asking(parameter("else", "path"), path="/things/{id}"))

    assert list(tool["parameters"]["properties"]) == ["id"]


def test_what_a_path_says_of_parameters_holds_for_its_operations_unless_they_say_otherwise() -> None:
    of_path = [parameter("a", "query", description="of the path"), parameter("b", "query", description="of the path")]
    item = {"parameters": of_path, "get": {"parameters": [parameter("b", "query", description="its own")]}}
    properties = only_tool(openapi({"/things": item}))["parameters"]["properties"]

    assert {name: one["description"] for name, one in properties.items()} == {"a": "of the path", "b": "its own"}


def test_a_dollar_before_an_argument_of_the_path_makes_no_reference() -> None:
    assert only_tool(asking(path="/x/${id}"))["config"]["url"] == "https://api.example.com/v1/x/%24{id}"


def test_names_that_clash_say_where_they_belong() -> None:
    same = [parameter("id", place) for place in ("path", "query", "header", "cookie")]
    tool = only_tool(asking(*same, parameter("i d", "query"), parameter("i.d", "query"), path="/things/{id}"))

    assert tool["config"]["url"].endswith("/things/{id}")
    assert tool["config"]["query"] == {"id": "${arguments.id_query}", "i d": "${arguments.i_d}", "i.d": "${arguments.i_d_query}"}
    assert tool["config"]["headers"] == {"id": "${arguments.id_header}"}
    assert tool["config"]["cookies"] == {"id": "${arguments.id_cookie}"}


def test_a_parameter_called_body_makes_way_for_the_body() -> None:
    body: Any = {"content": {"application/json": {"schema": {}}}}
    tool = only_tool(openapi({"/things": {"post": {"parameters": [parameter("body", "query")], "requestBody": body}}}))

    assert tool["config"]["body"] == {"json": "${arguments.body}"}
    assert tool["config"]["query"] == {"body": "${arguments.body_query}"}


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        pytest.param({"type": "object"}, "object", id="an object as it is: a mapping writes it as JSON"),
        pytest.param({"type": "array"}, "string", id="anything else as text"),
    ],
)
def test_a_parameter_that_is_written_as_json(schema: Any, kind: str) -> None:
    tool = only_tool(asking({"name": "where", "in": "query", "content": {"application/json": {"schema": schema}}}))

    assert tool["parameters"]["properties"]["where"]["type"] == kind
    assert tool["config"]["query"] == {"where": "${arguments.where}"}


def test_what_a_parameter_is_may_be_said_elsewhere() -> None:
    document = asking(parameter("state", "query", schema={"$ref": "#/components/schemas/State"}))
    document["components"] = {"schemas": {"State": {"type": "string"}}}

    assert only_tool(document)["config"]["query"] == {"state": "${arguments.state}"}


def test_parameters_may_be_shared() -> None:
    document = asking({"$ref": "#/components/parameters/Page"})
    document["components"] = {"parameters": {"Page": parameter("page", "query")}}

    assert only_tool(document)["config"]["query"] == {"page": "${arguments.page}"}


def test_a_key_for_repeated_calls_is_the_calls_own_and_makes_them_safe_to_repeat() -> None:
    keyed = {"post": {"parameters": [parameter("Idempotency-Key", "header", required=True)]}}
    tool = only_tool(openapi({"/payments": keyed}))

    assert (tool["effects"], tool["config"]["idempotency_header"]) == ("idempotent", "Idempotency-Key")
    assert tool["parameters"]["properties"] == {}


@pytest.mark.parametrize(
    ("document", "code"),
    [
        pytest.param(asking({"in": "query"}), "no_name", id="a parameter without a name"),
        pytest.param(asking({"name": "x", "in": "body"}), "", id="a body is no parameter of OpenAPI 3, and none is missed"),
        pytest.param(asking({"name": "x", "in": "moon"}), "unknown_place", id="a place there is not"),
        pytest.param(asking(parameter("x", "query", style="matrix")), "style_not_supported", id="a style that a query has not"),
        pytest.param(asking(parameter("a b", "header", required=True)), "parameter_not_supported", id="a header that cannot be"),
        pytest.param(asking({"$ref": "#/nowhere"}), "dangling_reference", id="a reference to nothing"),
        pytest.param(asking(path="/things/{?page*}"), "bad_path", id="a path with operators"),
        pytest.param(asking(path="/things/{id"), "bad_path", id="a brace that is never closed"),
        pytest.param(asking(path="/things?x={x}"), "bad_path", id="an argument behind the question mark"),
        pytest.param(asking(path="/" + "x" * 3_000), "bad_path", id="a path without end"),
    ],
)
def test_what_cannot_be_sent_is_a_reason(document: Any, code: str) -> None:
    if code:
        assert reason(document)[0] == code
    else:
        only_tool(document)


def test_an_optional_parameter_that_cannot_be_sent_is_left_out_with_a_warning() -> None:
    found = imported(asking(parameter("a b", "header")))

    assert [tool["parameters"]["properties"] for tool in found.tools.values()] == [{}]
    assert [(one.operation, one.problem.code) for one in found.told.warnings] == [("GET /things", "parameter_not_supported")]


@pytest.mark.parametrize(
    ("path", "config"),
    [
        pytest.param("/a b/ü", {"url": "https://api.example.com/v1/a%20b/%C3%BC"}, id="what no URL may hold is encoded"),
        pytest.param("/#Action=Get", {"url": "https://api.example.com/v1/"}, id="what follows # only tells operations apart"),
        pytest.param("/x?v=1&w=", {"url": "https://api.example.com/v1/x", "query": {"v": "1", "w": ""}}, id="a query in the path"),
        pytest.param("/x?t=%24%7Ba%7D", {"url": "https://api.example.com/v1/x", "query": {"t": "$${a}"}}, id="no template of ours"),
        pytest.param("/x/$next", {"url": "https://api.example.com/v1/x/$next"}, id="a dollar is one"),
    ],
)
def test_a_path_as_a_url_has_it(path: str, config: Any) -> None:
    assert only_tool(asking(path=path))["config"] == {"method": "GET", **config}

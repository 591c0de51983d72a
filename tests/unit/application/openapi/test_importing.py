"""A whole document: which operations become tools, what they are called, where they are sent, and why others are left out."""

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from application.openapi import MOST_OPERATIONS, Import, Wanted, gathered
from domain.errors import ValidationError
from infrastructure.schemas import JsonSchemas
from tests.unit.application.openapi.described import imported, only_tool, openapi, reason, swagger

PETS = openapi(
    {
        "/pets": {"get": {"operationId": "listPets", "tags": ["pets"]}, "post": {"operationId": "addPet", "tags": ["pets", "write"]}},
        "/pets/{id}": {"delete": {"operationId": "removePet", "tags": ["write"]}},
        "/zoos": {"get": {"tags": ["zoos"]}},
    }
)


def names(document: Any, **wanted: Any) -> list[str]:
    return [tool["name"] for tool in imported(document, **wanted).tools.values()]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        pytest.param({}, ["listPets", "addPet", "removePet", "get_zoos"], id="all when nothing is said"),
        pytest.param({"methods": {"GET"}}, ["listPets", "get_zoos"], id="by method"),
        pytest.param({"methods": {"POST", "DELETE"}}, ["addPet", "removePet"], id="by several methods"),
        pytest.param({"tags": {"write"}}, ["addPet", "removePet"], id="by tag"),
        pytest.param({"paths": ("/pets/*",)}, ["removePet"], id="by path"),
        pytest.param({"operations": {"addPet"}}, ["addPet"], id="by id"),
        pytest.param({"tags": {"pets"}, "methods": {"GET"}}, ["listPets"], id="by all of them"),
        pytest.param({"prefix": "zoo_", "methods": {"DELETE"}}, ["zoo_removePet"], id="with a prefix"),
    ],
)
def test_which_operations_are_imported(wanted: Any, expected: list[str]) -> None:
    assert names(PETS, **wanted) == expected


@pytest.mark.parametrize(
    ("operation", "path", "name"),
    [
        pytest.param("repos/list-for-user", "/x", "repos_list-for-user", id="what no name may hold is a line"),
        pytest.param("read_item_items__id__get", "/x", "read_item_items_id_get", id="two lines are a server's"),
        pytest.param("a/_b", "/x", "a_b", id="two lines are a server's, wherever they come from"),
        pytest.param("3dModels", "/x", "op_3dModels", id="a name begins with a letter"),
        pytest.param("---", "/pets/{petId}/", "get_pets_petId", id="method and path where the id has nothing to say"),
        pytest.param("", "/", "get", id="the root"),
        pytest.param("x" * 80, "/x", "x" * 55 + "_541a2d0d", id="a long name ends with a hash of method and path"),
    ],
)
def test_what_a_tool_is_called(operation: str, path: str, name: str) -> None:
    placeholders = {"get": {"operationId": operation}}

    assert names(openapi({path: placeholders})) == [name]


def test_operations_of_one_name_are_told_apart_whatever_their_order_and_the_filter() -> None:
    document = openapi({"/a": {"get": {"operationId": "find"}}, "/b": {"get": {"operationId": "find"}, "put": {"operationId": "find!"}}})
    turned = {**document, "paths": dict(reversed(document["paths"].items()))}

    all_names = {title: tool["name"] for title, tool in imported(document).tools.items()}
    assert len(set(all_names.values())) == 3
    assert all_names == {title: tool["name"] for title, tool in imported(turned).tools.items()}
    assert names(document, paths=("/b",), methods={"GET"}) == [all_names["GET /b"]]


@pytest.mark.parametrize(
    ("method", "effects"),
    [
        ("get", "none"),
        ("head", "none"),
        ("options", "none"),
        ("put", "idempotent"),
        ("delete", "idempotent"),
        ("post", "once"),
        ("patch", "once"),
    ],
)
def test_effects_are_those_of_the_method(method: str, effects: str) -> None:
    assert only_tool(openapi({"/x": {method: {}}}))["effects"] == effects


def test_what_a_model_reads_is_summary_and_description() -> None:
    told = {"summary": "Make a thing", "description": "It is new.", "deprecated": True, "tags": ["things"]}
    tool = only_tool(openapi({"/x": {"post": told}}))

    assert tool["description"] == "This is deprecated.\n\nMake a thing\n\nIt is new."
    assert (tool["tags"], tool["version"]) == (["things"], "7")
    assert only_tool(openapi({"/x": {"get": {}}}))["description"] == "GET /x"
    assert len(only_tool(openapi({"/x": {"get": {"description": "word " * 2_000}}}))["description"]) <= 2_000


@pytest.mark.parametrize(
    ("document", "url"),
    [
        pytest.param(openapi({"/x": {"get": {}}}), "https://api.example.com/v1/x", id="the document's first"),
        pytest.param(
            openapi({"/x": {"servers": [{"url": "https://p.example.com/"}], "get": {}}}), "https://p.example.com/x", id="the path's own"
        ),
        pytest.param(
            openapi({"/x": {"servers": [{"url": "https://p"}], "get": {"servers": [{"url": "https://o"}]}}}),
            "https://o/x",
            id="the operation's own",
        ),
        pytest.param(
            openapi({"/x": {"get": {}}}, servers=[{"url": "https://{r}.example.com", "variables": {"r": {"default": "eu"}}}]),
            "https://eu.example.com/x",
            id="variables as they are by default",
        ),
        pytest.param(openapi({"/x": {"get": {}}}, servers=[{"url": "//cdn.example.com"}]), "https://cdn.example.com/x", id="no scheme"),
        pytest.param(swagger({"/x": {"get": {}}}), "https://api.example.com/v1/x", id="host and base path"),
        pytest.param(swagger({"/x": {"get": {}}}, schemes=["http"]), "http://api.example.com/v1/x", id="as the schemes say"),
        pytest.param(swagger({"/x": {"get": {}}}, schemes=["http", "https"]), "https://api.example.com/v1/x", id="the safer of two"),
        pytest.param(swagger({"/x": {"get": {"schemes": ["http"]}}}), "http://api.example.com/v1/x", id="as the operation says"),
    ],
)
def test_where_requests_go(document: Any, url: str) -> None:
    assert only_tool(document)["config"]["url"] == url


@pytest.mark.parametrize(
    "servers",
    [
        pytest.param([], id="no server"),
        pytest.param([{"url": "/v1"}], id="a relative one"),
        pytest.param([{"url": "https://{region}.example.com"}], id="a variable without a default"),
        pytest.param([{"url": "ftp://example.com"}], id="one that speaks no HTTP"),
        pytest.param([{"url": "https://me:secret@example.com"}], id="one with credentials"),
        pytest.param([{"url": "https://example.com:port"}], id="no address at all"),
        pytest.param([{"url": "https://example.com/?v=1"}], id="one with a query"),
    ],
)
def test_a_service_that_cannot_be_found_is_a_reason_until_somebody_says_where_it_is(servers: Any) -> None:
    document = openapi({"/x": {"get": {}}}, servers=servers)

    assert reason(document) == ("no_server", "/paths/~1x/get")
    assert only_tool(document, server="https://here.example.com/api/")["config"]["url"] == "https://here.example.com/api/x"


def test_a_path_may_be_described_elsewhere_in_the_document() -> None:
    item = {"get": {"operationId": "thing"}, "parameters": [{"name": "q", "in": "query", "schema": {}}]}
    document = openapi({"/x": {"$ref": "#/components/pathItems/Thing"}}, "3.1.0", components={"pathItems": {"Thing": item}})

    assert only_tool(document)["config"]["query"] == {"q": {"value": "${arguments.q}", "style": "form", "explode": True}}


def test_one_broken_operation_costs_no_other() -> None:
    paths = {"/bad": {"$ref": "elsewhere.yaml"}, "/odd": {"get": 7}, "/trace": {"trace": {}}, "/good": {"get": {}}, "x-note": {}}
    found = imported(openapi(paths))

    assert list(found.tools) == ["GET /good"]
    assert [(one.operation, one.problem.code) for one in found.told.left_out] == [
        ("ANY /bad", "remote_reference"),
        ("GET /odd", "wrong_type"),
        ("TRACE /trace", "method_not_supported"),
    ]
    assert found.told.operations == len(found.tools) + len(found.told.left_out)


@pytest.mark.parametrize(
    ("document", "wanted", "code"),
    [
        pytest.param({"openapi": "4.0.0", "paths": {}}, {}, "unknown_format", id="a version there is not"),
        pytest.param({"openapi": 3.0, "swagger": "2.0"}, {}, "nothing_wanted", id="two versions at once: the older, and no path"),
        pytest.param({"weft": 1}, {}, "unknown_format", id="something else"),
        pytest.param(PETS, {"tags": {"birds"}}, "nothing_wanted", id="a filter that lets nothing through"),
        pytest.param(PETS, {"prefix": "9_"}, "bad_prefix", id="a prefix that no name begins with"),
        pytest.param(PETS, {"prefix": "github__"}, "bad_prefix", id="a prefix of a server's tools"),
        pytest.param(PETS, {"server": "example.com"}, "bad_server", id="a server that is none"),
        pytest.param(PETS, {"secrets": {"key": "github"}}, "unknown_scheme", id="a secret for nothing"),
        pytest.param(openapi({f"/{n}": {"get": {}} for n in range(MOST_OPERATIONS + 1)}), {}, "too_many_operations", id="too much of it"),
    ],
)
def test_what_cannot_be_imported_at_all_is_refused(document: Any, wanted: Any, code: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Import.of(document, Wanted(**wanted), JsonSchemas())

    assert [problem.code for problem in refused.value.problems] == [code]


def test_tools_are_made_one_after_the_other_and_none_is_kept() -> None:
    everything = Import.of(PETS, Wanted(), JsonSchemas())
    first = next(iter(everything))

    assert len(everything) == 4
    assert [one.operation for one in everything] == [first.operation, "POST /pets", "DELETE /pets/{id}", "GET /zoos"]
    assert gathered(everything).operations == 4


def test_the_same_document_always_becomes_the_same_tools() -> None:
    assert json.dumps(imported(PETS).tools) == json.dumps(imported(deepcopy(PETS)).tools)


FULL = openapi(
    {
        "/a/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "servers": [{"url": "https://{r}.x.org", "variables": {"r": {"default": "eu"}}}],
            "post": {
                "operationId": "a",
                "tags": ["t"],
                "security": [{"key": ["s"]}],
                "parameters": [{"name": "q", "in": "query", "style": "deepObject", "schema": {"$ref": "#/components/schemas/S"}}],
                "requestBody": {"content": {"multipart/form-data": {"schema": {"$ref": "#/components/schemas/S"}, "encoding": {"f": {}}}}},
                "responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/S"}}}}},
            },
        }
    },
    components={
        "schemas": {
            "S": {"type": "object", "required": ["f"], "properties": {"f": {"$ref": "#/components/schemas/S"}, "e": {"enum": [1]}}}
        },
        "securitySchemes": {"key": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "/t"}}}},
    },
)


def places_in(part: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    return [path, *(place for name, one in inside for place in places_in(one, (*path, name)))]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["$ref", "type", "schema", "name", "in", "x", ""]), inner, max_size=3)
    ),
    max_leaves=6,
)


def tools_or_problems(document: Any) -> list[str]:
    try:
        return [tool["name"] for tool in imported(document, checks_answers=True).tools.values()]
    except ValidationError as refused:
        return [problem.message for problem in refused.problems]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(places_in(FULL)[1:]), JSON)
def test_whatever_stands_in_a_document_the_import_answers_and_what_it_makes_can_be_used(place: tuple[Any, ...], junk: Any) -> None:
    document = deepcopy(FULL)
    part: Any = document
    for step in place[:-1]:
        part = part[step]
    part[place[-1]] = junk

    assert all(tools_or_problems(document)), "each has a name, or a sentence"

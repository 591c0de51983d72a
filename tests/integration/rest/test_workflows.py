"""Workflows and templates over REST."""

from typing import Any

import pytest

from application.drawing import DrawWorkflow
from interface.yaml import load_document
from tests.integration.rest.service import Service, adder, broken, open_service


async def test_publishing_twice_is_once_and_another_content_needs_another_version(service: Service) -> None:
    first, again = await service.publish(adder()), await service.publish(adder())
    other = await service.publish(adder(description="changed"))

    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 409)
    assert first.headers["location"] == again.headers["location"] == "/v1/workflows/adder/1.0.0"
    assert first.json()["hash"] == again.json()["hash"]
    assert other.json()["code"] == "version_taken"


async def test_versions_are_listed_highest_first_and_names_once(service: Service) -> None:
    for version in ("1.9.0", "1.10.0", "1.0.0"):
        await service.publish(adder(version))
    await service.publish(adder(name="beside"))

    names = (await service.call("GET", "/v1/workflows")).json()["items"]
    versions = (await service.call("GET", "/v1/workflows/adder", params={"limit": 2})).json()
    rest = (await service.call("GET", "/v1/workflows/adder", params={"cursor": versions["next_cursor"]})).json()
    assert [(view["name"], view["version"]) for view in names] == [("adder", "1.10.0"), ("beside", "1.0.0")]
    assert [view["version"] for view in versions["items"]] == ["1.10.0", "1.9.0"]
    assert ([view["version"] for view in rest["items"]], rest["next_cursor"]) == (["1.0.0"], None)


@pytest.mark.parametrize(
    ("language", "media_type", "begins"),
    [
        pytest.param("yaml", "application/yaml", "weft: 1\n", id="yaml"),
        pytest.param("mermaid", "text/vnd.mermaid; charset=utf-8", "flowchart adder", id="mermaid"),
        pytest.param("dot", "text/vnd.graphviz; charset=utf-8", "digraph", id="dot"),
    ],
)
async def test_a_version_is_shown_in_the_language_asked_for(service: Service, language: str, media_type: str, begins: str) -> None:
    await service.publish(adder())
    answer = await service.call("GET", "/v1/workflows/adder/1.0.0", params={"format": language})

    assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)
    assert answer.text.startswith(begins)


async def test_a_picture_that_cannot_be_drawn_is_refused(service: Service) -> None:
    await service.publish(adder())
    answer = await broken(service, draw_workflow=DrawWorkflow(service.store.workflows, {})).call(
        "GET", "/v1/workflows/adder/1.0.0?format=dot"
    )

    assert (answer.status_code, answer.json()["problems"][0]["pointer"]) == (422, "/query/format")


async def test_what_was_published_comes_back_as_it_was_posted(service: Service) -> None:
    document = adder()
    document["nodes"]["add"]["position"] = {"x": 1, "y": 2.5}
    await service.publish(document)

    as_json = (await service.call("GET", "/v1/workflows/adder/1.0.0")).json()["document"]
    as_yaml = (await service.call("GET", "/v1/workflows/adder/1.0.0?format=yaml")).content
    assert as_json == load_document(as_yaml, "application/yaml").document == document


@pytest.mark.parametrize(
    ("change", "valid", "pointers"),
    [
        pytest.param({}, True, set(), id="a good one"),
        pytest.param({"nodes": {"add": {"kind": "nope"}}}, False, {"/nodes/add/kind"}, id="an unknown kind"),
        pytest.param({"weft": 2, "edges": [{"from": "start", "to": "b"}]}, False, {"/weft", "/edges/0/to"}, id="several things at once"),
    ],
)
async def test_validation_says_everything_and_keeps_nothing(
    service: Service, change: dict[str, Any], valid: bool, pointers: set[str]
) -> None:
    answer = await service.call("POST", "/v1/workflows/validate", json=adder(**change))

    view = answer.json()
    assert (answer.status_code, view["valid"]) == (200, valid)
    assert pointers <= {problem["pointer"] for problem in view["problems"]}
    assert (await service.call("GET", "/v1/workflows")).json()["items"] == []


async def test_validation_of_yaml_has_lines(service: Service) -> None:
    text = 'weft: 1\nname: adder\nversion: "1.0.0"\nstate: {}\nnodes:\n  add: {kind: nonsense}\nedges: []\n'
    answer = await service.call("POST", "/v1/workflows/validate", content=text, headers={"Content-Type": "application/yaml"})

    lines = {problem["pointer"]: problem["line"] for problem in answer.json()["problems"]}
    assert lines["/nodes/add/kind"] == 6


async def test_a_template_is_kept_filled_and_replaced_and_publishes_nothing(service: Service) -> None:
    template = {
        "name": "adder-of",
        "document": adder(name="{{name}}", limits={"steps": "{{steps}}"}),
        "parameters": [{"name": "name", "schema": {"type": "string"}}, {"name": "steps", "schema": {"type": "integer"}, "default": 9}],
    }
    first = await service.call("POST", "/v1/templates", json=template)
    again = await service.call("POST", "/v1/templates", json=template)
    filled = await service.call("POST", "/v1/templates/adder-of/instantiate", json={"parameters": {"name": "mine"}})
    wrong = await service.call("POST", "/v1/templates/adder-of/instantiate", json={"parameters": {"name": 7, "more": 1}})

    assert (first.status_code, again.status_code, first.headers["location"]) == (201, 200, "/v1/templates/adder-of")
    assert (await service.call("GET", "/v1/templates/adder-of")).json()["document"] == template["document"]
    assert filled.json() == adder(name="mine", limits={"steps": 9})
    assert {problem["pointer"] for problem in wrong.json()["problems"]} == {"/parameters/name", "/parameters/more"}
    assert (await service.call("GET", "/v1/workflows")).json()["items"] == []


async def test_two_workflows_are_composed_into_a_document_that_can_be_published(service: Service) -> None:
    await service.publish(adder(output={"x": "${state.x}"}))
    steps = [{"id": "one", "workflow": "adder"}, {"id": "two", "workflow": "adder", "inputs": {"x": "one.x"}}]
    composed = await service.call("POST", "/v1/workflows/compose", json={"name": "twice", "steps": steps})

    assert composed.status_code == 200, composed.text
    assert (await service.call("GET", "/v1/workflows/twice")).status_code == 404
    assert (await service.publish(composed.json())).status_code == 201


async def test_a_tools_refusal_is_an_answer(service: Service) -> None:
    good = await service.call("POST", "/v1/tools/double/call", json={"arguments": {"number": 21}})
    bad = await service.call("POST", "/v1/tools/double/call", json={"arguments": {"number": 101}})
    echo = await service.call("POST", "/v1/tools/echo/call", json={"arguments": {"a": [1, None]}})

    assert (good.json()["success"], good.json()["output"]) == (True, 42)
    assert (bad.status_code, bad.json()["success"], bad.json()["error"]["code"]) == (200, False, "bad_number")
    assert (echo.json()["output"], echo.json()["token_usage"]["cost"]) == ({"a": [1, None]}, {"amount": "0.1", "currency": "USD"})


@pytest.mark.parametrize(("path", "names"), [("/v1/tools", ["double", "echo"]), ("/v1/models", ["parrot", "far"])])
async def test_short_lists_have_pages_too(service: Service, path: str, names: list[str]) -> None:
    first = (await service.call("GET", path, params={"limit": 1})).json()
    second = (await service.call("GET", path, params={"limit": 1, "cursor": first["next_cursor"]})).json()

    assert [page["items"][0]["name"] for page in (first, second)] == names
    assert second["next_cursor"] is None


async def test_the_docs_page_needs_nothing_from_elsewhere(service: Service) -> None:
    page = await service.call("GET", "/docs", key=None)

    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert not any(sign in page.text for sign in ("<script", "http://", "https://", "//cdn"))
    for path in (await service.call("GET", "/openapi.json")).json()["paths"]:
        assert path in page.text


async def test_every_operation_has_a_plain_name_of_its_own(service: Service) -> None:
    operations = [one for path in (await service.call("GET", "/openapi.json")).json()["paths"].values() for one in path.values()]
    names = [operation["operationId"] for operation in operations]

    assert len(set(names)) == len(names)
    assert {"start_run", "list_workers", "call_tool"} < set(names)


@pytest.mark.parametrize("keyless", [True, False])
async def test_the_description_asks_for_keys_where_they_are_needed(keyless: bool) -> None:
    async with open_service(keyless=keyless) as service:
        described = (await service.call("GET", "/openapi.json", key=None)).json()

    assert ("security" in described["paths"]["/v1/runs"]["get"]) is not keyless
    assert ("securitySchemes" in described["components"]) is not keyless

"""Documents that the world uses: what a person would give their tools is taken, and what the service would refuse is not."""

import json
from pathlib import Path
from typing import Any

import pytest

from application.openapi import Import, Wanted
from benchmarks.openapi_import import document_of
from infrastructure.schemas import JsonSchemas
from tests.unit.application.openapi.described import Result, imported

DATA = Path(__file__).parents[3] / "data" / "openapi"
REPO = {"owner": "octocat", "repo": "hello-world"}
PET = {"name": "Rex", "photoUrls": ["https://example.com/rex.png"]}


def tools_of(file: str) -> Result:
    return imported(json.loads((DATA / file).read_text()))


@pytest.mark.parametrize("file", ["github.json", "petstore.json"])
def test_every_operation_becomes_a_tool(file: str) -> None:
    found = tools_of(file).told

    assert (found.operations, found.left_out, found.warnings) == (len(found.tools), [], [])
    assert found.operations >= 3


@pytest.mark.parametrize(
    ("file", "operation", "arguments", "is_taken"),
    [
        ("github.json", "GET /repos/{owner}/{repo}/issues", {**REPO, "state": "open", "per_page": 10}, True),
        ("github.json", "GET /repos/{owner}/{repo}/issues", {**REPO, "state": "half-open"}, False),
        ("github.json", "GET /repos/{owner}/{repo}/issues", {"owner": "octocat"}, False),
        ("github.json", "GET /repos/{owner}/{repo}/issues", {**REPO, "colour": "red"}, False),
        ("github.json", "POST /repos/{owner}/{repo}/issues", {**REPO, "body": {"title": "It broke", "milestone": None}}, True),
        ("github.json", "POST /repos/{owner}/{repo}/issues", {**REPO, "body": {"title": 7, "labels": [{"name": "bug"}]}}, True),
        ("github.json", "POST /repos/{owner}/{repo}/issues", {**REPO, "body": {}}, False),
        ("github.json", "POST /gists", {"body": {"files": {"a.txt": {"content": "hello"}}, "public": "false"}}, True),
        ("github.json", "POST /gists", {"body": {"files": {"a.txt": {}}}}, False),
        ("petstore.json", "POST /pet", {"body": {**PET, "category": {"id": 1}, "status": "sold"}}, True),
        ("petstore.json", "POST /pet", {"body": {"name": "Rex"}}, False),
        ("petstore.json", "POST /pet", {"body": {**PET, "status": "lost"}}, False),
        ("petstore.json", "GET /pet/findByStatus", {"status": ["sold", "pending"]}, True),
        ("petstore.json", "GET /pet/findByStatus", {"status": "sold"}, False),
        ("petstore.json", "POST /pet/{petId}/uploadImage", {"petId": 7, "file": "eA=="}, True),
        ("petstore.json", "POST /pet/{petId}/uploadImage", {"file": "eA=="}, False),
    ],
)
def test_what_a_tool_takes(file: str, operation: str, arguments: Any, is_taken: bool) -> None:
    tool = tools_of(file).tools[operation]

    assert JsonSchemas().compile(tool["parameters"]).accepts(arguments) == is_taken


def test_a_small_version_of_the_big_document_imports_as_a_whole() -> None:
    """The big one is for `python -m benchmarks.openapi_import`."""
    document = document_of(200)
    found = imported({**document, "paths": dict(list(document["paths"].items())[::8])})

    assert (found.told.operations, found.told.left_out) == (25, [])
    assert all(len(tool["parameters"].get("$defs", {})) < 40 for tool in found.tools.values())


def test_operations_that_need_the_same_definitions_share_them() -> None:
    document = document_of(5)
    made = [one.tool for one in Import.of(document, Wanted(methods=frozenset({"POST", "PUT"})), JsonSchemas()) if one.tool]

    first, second = [tool["parameters"] for tool in made]
    assert isinstance(first, dict)
    assert isinstance(second, dict)
    assert first["$defs"] is second["$defs"]

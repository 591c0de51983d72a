"""Whatever goes wrong is a problem document, says what to do, and gives nothing away."""

from typing import Any

import pytest

from application.health import CheckReadiness
from application.runs import ListRuns
from domain.errors import DatabaseError, ModelError, WeftError
from domain.ports.repositories import Health
from interface.rest.app import RestSettings
from tests.integration.rest.service import Service, adder, broken, open_service

NOBODY = "018f0000-0000-7000-8000-000000000000"
JSON = {"Content-Type": "application/json"}

CASES = [
    pytest.param("GET", "/nothing/here", {}, 404, "not_found", id="an unknown path"),
    pytest.param("GET", "/v1/runs/", {}, 404, "not_found", id="a slash too much"),
    pytest.param("GET", "/v1/workflows/a%00b", {}, 404, "not_found", id="a NUL in a path"),
    pytest.param("DELETE", "/v1/runs", {}, 405, "method_not_allowed", id="a method that is not there"),
    pytest.param("GET", f"/v1/runs/{NOBODY}", {}, 404, "run_not_found", id="an unknown run"),
    pytest.param("GET", "/v1/runs/what", {}, 404, "run_not_found", id="an id that is none"),
    pytest.param("GET", f"/v1/runs/{NOBODY}/events", {}, 404, "run_not_found", id="the events of an unknown run"),
    pytest.param("POST", f"/v1/runs/{NOBODY}/cancel", {}, 404, "run_not_found", id="cancelling an unknown run"),
    pytest.param("GET", f"/v1/threads/{NOBODY}", {}, 404, "thread_not_found", id="an unknown thread"),
    pytest.param("GET", "/v1/workflows/none", {}, 404, "workflow_not_found", id="an unknown workflow"),
    pytest.param("GET", "/v1/workflows/none/1.0.0?format=dot", {}, 404, "workflow_not_found", id="a picture of an unknown workflow"),
    pytest.param("GET", "/v1/templates/none", {}, 404, "template_not_found", id="an unknown template"),
    pytest.param("GET", "/v1/tools/none", {}, 404, "tool_not_found", id="an unknown tool"),
    pytest.param("POST", "/v1/tools/none/call", {"json": {}}, 404, "tool_not_found", id="calling an unknown tool"),
    pytest.param("GET", "/v1/runs?limit=0", {}, 422, "invalid", id="a limit below one"),
    pytest.param("GET", "/v1/runs?limit=201", {}, 422, "invalid", id="a limit above two hundred"),
    pytest.param("GET", "/v1/tools?limit=201", {}, 422, "invalid", id="a limit above two hundred for tools"),
    pytest.param("GET", "/v1/runs?cursor=bogus", {}, 422, "invalid", id="a cursor that is not ours"),
    pytest.param("GET", "/v1/tools?cursor=bogus", {}, 422, "invalid", id="a cursor that is not ours for tools"),
    pytest.param("GET", "/v1/runs?colour=x", {}, 422, "invalid", id="a filter that is not there"),
    pytest.param("GET", "/v1/models?verbose=1", {}, 422, "invalid", id="a parameter nobody knows"),
    pytest.param("GET", "/v1/runs?since=2026-01-01T00:00:00", {}, 422, "invalid", id="a time without a zone"),
    pytest.param("GET", "/v1/runs?until=1700000000", {}, 422, "invalid", id="a number for a time"),
    pytest.param("POST", "/v1/runs", {"content": b"{", "headers": JSON}, 422, "invalid", id="half a body"),
    pytest.param("POST", "/v1/runs", {"content": b"", "headers": JSON}, 422, "invalid", id="no body"),
    pytest.param("POST", "/v1/runs", {"content": b"\xff", "headers": JSON}, 422, "invalid", id="a body that is no text"),
    pytest.param("POST", "/v1/runs", {"content": b'{"a": NaN}', "headers": JSON}, 422, "invalid", id="a number that is none"),
    pytest.param("POST", "/v1/runs", {"content": b"[1]", "headers": JSON}, 422, "invalid", id="a body that is no object"),
    pytest.param(
        "POST", "/v1/runs", {"content": b"a=b", "headers": {"Content-Type": "text/plain"}}, 415, "unsupported_media_type", id="text"
    ),
    pytest.param("POST", "/v1/runs", {"content": b"{}"}, 415, "unsupported_media_type", id="a body without a type"),
    pytest.param("POST", "/v1/runs", {"json": {"workflow": "none"}}, 404, "workflow_not_found", id="a run of an unknown workflow"),
    pytest.param(
        "POST", "/v1/runs", {"json": {"workflow": "x"}, "headers": {"Idempotency-Key": "k" * 201}}, 422, "invalid", id="a key too long"
    ),
    pytest.param("POST", "/v1/runs?wait=301", {"json": {"workflow": "x"}}, 422, "invalid", id="waiting too long"),
]


@pytest.mark.parametrize(("method", "path", "how", "status", "code"), CASES)
async def test_a_refusal_is_a_problem_document(
    service: Service, method: str, path: str, how: dict[str, Any], status: int, code: str
) -> None:
    answer = await service.call(method, path, **how)

    problem = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert (problem["status"], problem["code"], problem["type"]) == (status, code, f"urn:weft:problem:{code}")
    assert all(problem[member] for member in ("title", "detail", "instance"))
    assert problem["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        pytest.param({"input": {}}, {"/workflow"}, id="a missing member"),
        pytest.param({"workflow": "x", "colour": 1, "flavour": "s"}, {"/colour", "/flavour"}, id="unknown members, all at once"),
        pytest.param(
            {"workflow": "x", "limits": {"steps": "9", "depth": 0}}, {"/limits/steps", "/limits/depth"}, id="limits that are none"
        ),
        pytest.param({"workflow": 7, "mode": "fast"}, {"/workflow", "/mode"}, id="values of another type"),
        pytest.param({"workflow": "a b"}, {"/workflow"}, id="a name that cannot be one"),
        pytest.param({"workflow": "x", "input": {"a/b": [1, 2**64]}}, {"/input/a~1b/1"}, id="an integer beyond 64 bits"),
        pytest.param({"workflow": "x", "metadata": {"t": "a\0b"}}, {"/metadata/t"}, id="text with a NUL"),
    ],
)
async def test_each_thing_wrong_with_an_order_has_its_pointer(service: Service, body: dict[str, Any], pointers: set[str]) -> None:
    answer = await service.call("POST", "/v1/runs", json=body)

    assert answer.status_code == 422
    assert {problem["pointer"] for problem in answer.json()["problems"]} == pointers


async def test_half_a_surrogate_pair_is_refused(service: Service) -> None:
    body = rb'{"workflow": "x", "input": {"t": "\ud800"}}'
    answer = await service.call("POST", "/v1/runs", content=body, headers=JSON)

    assert [problem["pointer"] for problem in answer.json()["problems"]] == ["/input/t"]


async def test_a_method_that_is_not_there_names_all_that_are(service: Service) -> None:
    answer = await service.call("PUT", "/v1/workflows")

    assert answer.headers["allow"] == "GET, POST"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        pytest.param(
            DatabaseError("connection to db.internal:5432 failed: SELECT 1"), 503, "database_unavailable", id="a store that is gone"
        ),
        pytest.param(WeftError("at db.internal"), 500, "internal", id="a fault of ours"),
        pytest.param(RuntimeError("at db.internal SELECT"), 500, "internal", id="what nobody expected"),
    ],
)
async def test_a_fault_inside_gives_no_host_no_query_and_no_stack_away(service: Service, error: Exception, status: int, code: str) -> None:
    class Broken(ListRuns):
        async def __call__(self, *_: Any) -> Any:
            raise error

    answer = await broken(service, list_runs=Broken(service.store.runs)).call("GET", "/v1/runs")

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not any(secret in answer.text for secret in ("db.internal", "SELECT", "Traceback", ".py"))


async def test_an_upstream_that_limits_us_is_a_bad_gateway(service: Service) -> None:
    class Limited(ListRuns):
        async def __call__(self, *_: Any) -> Any:
            raise ModelError("slow down", "model_rate_limited", retryable=True, retry_after=7)

    answer = await broken(service, list_runs=Limited(service.store.runs)).call("GET", "/v1/runs")

    assert (answer.status_code, answer.json()["code"]) == (502, "model_rate_limited")


async def test_a_request_keeps_the_id_it_came_with_when_that_is_a_plain_word(service: Service) -> None:
    given = await service.call("GET", "/livez", headers={"X-Request-Id": "trace-42"})
    strange = await service.call("GET", "/livez", headers={"X-Request-Id": "<script>"})

    assert given.headers["x-request-id"] == "trace-42"
    assert strange.headers["x-request-id"] != "<script>"


@pytest.mark.parametrize("chunked", [pytest.param(False, id="with its length"), pytest.param(True, id="in chunks")])
async def test_a_body_of_20_mb_is_too_large(service: Service, chunked: bool) -> None:
    async def pieces() -> Any:
        for _ in range(20):
            yield b" " * 1_000_000

    body = pieces() if chunked else b" " * 20_000_000
    answer = await service.call("POST", "/v1/workflows", content=body, headers=JSON)

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_a_body_as_large_as_allowed_is_read() -> None:
    async with open_service(settings=RestSettings(max_body_bytes=1000)) as service:
        body = b'{"arguments": {}}'.ljust(1000)
        fits = await service.call("POST", "/v1/tools/echo/call", content=body, headers=JSON)
        too_large = await service.call("POST", "/v1/tools/echo/call", content=body + b" ", headers=JSON)

    assert (fits.status_code, too_large.status_code) == (200, 413)


async def test_readiness_names_the_part_that_is_not_ready(service: Service) -> None:
    async def away() -> Health:
        return Health(False, "start the database")

    async def failing() -> Health:
        raise DatabaseError("connection to db.internal:5432 refused")

    parts = {"store": away, "queue": failing, "feed": service.store.health.check}
    answer = await broken(service, check_readiness=CheckReadiness(parts)).call("GET", "/readyz", key=None)

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (503, "not_ready")
    assert {found["pointer"] for found in problem["problems"]} == {"/parts/store", "/parts/queue"}
    assert "start the database" in answer.text
    assert "db.internal" not in answer.text


async def test_an_invalid_yaml_document_is_refused_with_lines_and_nothing_is_stored(service: Service) -> None:
    text = 'weft: 1\nname: adder\nversion: "1.0.0"\nstate: {}\nnodes:\n  add:\n    kind: nonsense\nedges:\n  - {from: start, to: nowhere}\n'
    answer = await service.call("POST", "/v1/workflows", content=text, headers={"Content-Type": "application/yaml"})

    found = {(problem["pointer"], problem["line"]) for problem in answer.json()["problems"]}
    assert answer.status_code == 422
    assert {("/nodes/add/kind", 7), ("/edges/0/to", 9)} <= found
    assert (await service.call("GET", "/v1/workflows")).json()["items"] == []


async def test_an_invalid_document_inside_an_order_is_pointed_at_from_the_order(service: Service) -> None:
    answer = await service.start({"workflow": adder(nodes={"add": {"kind": "nonsense"}}), "input": {"x": 1}})

    assert answer.status_code == 422
    assert "/workflow/nodes/add/kind" in {problem["pointer"] for problem in answer.json()["problems"]}
    assert (await service.call("GET", "/v1/runs")).json()["items"] == []

"""Whatever is sent, every route answers as the OpenAPI document says it may, and never with a fault of its own."""

from collections.abc import Iterator
from typing import Any, TypeAlias

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import APIOperation, GenerationMode, checks

from tests.integration.rest.service import CONFIGURED, Service, adder
from tests.integration.rest.serving import Served, served

CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.ignored_auth,
    checks.unsupported_method,
]
ROUTES = [
    "POST /v1/workflows",
    "POST /v1/workflows/validate",
    "POST /v1/workflows/compose",
    "GET /v1/workflows",
    "GET /v1/workflows/{name}",
    "GET /v1/workflows/{name}/{version}",
    "GET /v1/workflows/{name}/statistics",
    "GET /v1/workflows/{name}/costs",
    "POST /v1/workflows/draft",
    "POST /v1/prompts",
    "GET /v1/prompts",
    "GET /v1/prompts/{name}",
    "GET /v1/prompts/{name}/{number}",
    "POST /v1/prompts/{name}/{number}/render",
    "POST /v1/prompts/{name}/{number}/diff",
    "PUT /v1/prompts/{name}/rollout",
    "POST /v1/templates",
    "GET /v1/templates",
    "GET /v1/templates/{name}",
    "POST /v1/templates/{name}/instantiate",
    "POST /v1/runs",
    "GET /v1/runs",
    "GET /v1/runs/{run_id}",
    "GET /v1/runs/{run_id}/events",
    "POST /v1/runs/migrate",
    "POST /v1/runs/{run_id}/answers",
    "POST /v1/runs/{run_id}/cancel",
    "POST /v1/runs/{run_id}/pause",
    "POST /v1/runs/{run_id}/resume",
    "POST /v1/runs/{run_id}/resolve",
    "POST /v1/runs/{run_id}/signals/{name}",
    "POST /v1/schedules",
    "GET /v1/schedules",
    "GET /v1/schedules/{schedule_id}",
    "PATCH /v1/schedules/{schedule_id}",
    "POST /v1/schedules/{schedule_id}/trigger",
    "GET /v1/schedules/{schedule_id}/firings",
    "DELETE /v1/schedules/{schedule_id}",
    "POST /v1/webhooks",
    "GET /v1/webhooks",
    "GET /v1/webhooks/{webhook_id}",
    "PATCH /v1/webhooks/{webhook_id}",
    "DELETE /v1/webhooks/{webhook_id}",
    "POST /v1/webhooks/{webhook_id}/test",
    "POST /v1/webhooks/{webhook_id}/rotate-secret",
    "GET /v1/webhooks/{webhook_id}/deliveries",
    "POST /v1/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver",
    "POST /v1/sessions",
    "GET /v1/sessions",
    "GET /v1/sessions/{session_id}",
    "PATCH /v1/sessions/{session_id}",
    "POST /v1/sessions/{session_id}/pause",
    "POST /v1/sessions/{session_id}/resume",
    "POST /v1/sessions/{session_id}/complete",
    "POST /v1/sessions/{session_id}/abort",
    "GET /v1/sessions/{session_id}/threads",
    "POST /v1/sessions/{session_id}/threads",
    "POST /v1/sessions/{session_id}/interactions",
    "GET /v1/sessions/{session_id}/interactions",
    "GET /v1/items",
    "PUT /v1/items/{item}",
    "GET /v1/items/{item}",
    "DELETE /v1/items/{item}",
    "POST /v1/threads",
    "GET /v1/threads",
    "GET /v1/threads/{thread_id}",
    "GET /v1/threads/{thread_id}/state",
    "PATCH /v1/threads/{thread_id}/state",
    "GET /v1/threads/{thread_id}/history",
    "GET /v1/threads/{thread_id}/diff",
    "POST /v1/threads/{thread_id}/restore",
    "POST /v1/threads/{thread_id}/snapshots",
    "GET /v1/threads/{thread_id}/snapshots",
    "GET /v1/threads/{thread_id}/snapshots/{snapshot_id}",
    "DELETE /v1/threads/{thread_id}/snapshots/{snapshot_id}",
    "POST /v1/threads/{thread_id}/snapshots/{snapshot_id}/restore",
    "POST /v1/threads/{thread_id}/snapshots/{snapshot_id}/branch",
    "GET /v1/threads/{thread_id}/events",
    "POST /v1/threads/{thread_id}/branches",
    "GET /v1/threads/{thread_id}/branches",
    "GET /v1/threads/{thread_id}/tree",
    "GET /v1/threads/{thread_id}/children",
    "POST /v1/threads/{thread_id}/runs",
    "GET /v1/threads/{thread_id}/runs",
    "GET /v1/tools",
    "GET /v1/tools/{name}",
    "DELETE /v1/tools/{name}",
    "GET /v1/tools/{name}/document",
    "POST /v1/tools",
    "POST /v1/tools/batch",
    "POST /v1/tools/validate",
    "POST /v1/tools/{name}/call",
    "GET /v1/tool-servers",
    "POST /v1/tool-servers/{server}/approve",
    "POST /v1/tool-servers/{server}/forget",
    "POST /v1/budgets",
    "GET /v1/budgets",
    "GET /v1/budgets/{budget_id}",
    "PATCH /v1/budgets/{budget_id}",
    "DELETE /v1/budgets/{budget_id}",
    "GET /v1/usage",
    "GET /v1/history",
    "GET /v1/models",
    "GET /v1/workers",
    "GET /v1/audit",
    "GET /v1/audit/verify",
    "GET /livez",
    "GET /readyz",
    "GET /metrics",
]
Asked: TypeAlias = schemathesis.Case[Any]
KNOWN = {"name": "adder", "version": "1.0.0", "number": 1, "server": "git"}
HEADERS = {"Authorization": f"Bearer {CONFIGURED}"}


async def something_of_everything(service: Service) -> None:
    """So that names which are known lead somewhere."""
    await service.publish(adder())
    await service.call("POST", "/v1/templates", json={"name": "adder", "document": {"a": "{{b}}"}, "parameters": [{"name": "b"}]})
    await service.call("POST", "/v1/prompts", json={"prompt": "adder", "text": "{{ x }}", "variables": {"x": {"default": 1}}})
    run = (await service.start({"workflow": "adder", "input": {"x": 1}})).json()
    worker = await service.worker()
    await worker.begin()
    await worker.step(1)
    await worker.end({"x": 2})
    schedule = (await service.call("POST", "/v1/schedules", json={"workflow": "adder", "input": {"x": 1}, "every_seconds": 3600})).json()
    webhook = (await service.call("POST", "/v1/webhooks", json={"url": "https://example.com/hook"})).json()
    delivery = (await service.call("POST", f"/v1/webhooks/{webhook['id']}/test")).json()
    KNOWN.update(run_id=run["id"], schedule_id=schedule["id"])
    # Another thread than that of the run, whose rows by hand are of no graph: what folds them cannot.
    thread = (await service.call("POST", "/v1/threads", json={"name": "mail"})).json()
    await service.call("PATCH", f"/v1/threads/{thread['id']}/state", json={"values": {"x": 1}})
    snapshot = (await service.call("POST", f"/v1/threads/{thread['id']}/snapshots", json={"name": "first"})).json()
    KNOWN.update(thread_id=thread["id"], snapshot_id=snapshot["id"])
    session = (await service.call("POST", "/v1/sessions", json={"user_id": "ada", "workflow": "adder"})).json()
    KNOWN.update(session_id=session["id"], item="user/ada/colour")
    await service.call("PUT", "/v1/items/user/ada/colour", json={"value": "blue"})
    KNOWN.update(webhook_id=webhook["id"], delivery_id=delivery["id"])
    budget = (await service.call("POST", "/v1/budgets", json={"name": "daily", "limit": {"tokens": 1000}})).json()
    KNOWN.update(budget_id=budget["id"])


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    with served(something_of_everything) as found:
        yield found


@pytest.fixture(scope="module")
def described(server: Served) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_url(f"{server.url}/openapi.json")


def test_the_routes_are_these_and_no_others(described: schemathesis.BaseSchema) -> None:
    found = {f"{method.upper()} {path}" for path, operations in described.items() for method in operations}
    assert found == set(ROUTES)


@pytest.mark.parametrize(
    ("route", "mode"),
    [(route, GenerationMode.POSITIVE) for route in ROUTES] + [(route, GenerationMode.NEGATIVE) for route in ROUTES if "/v1/" in route],
)
def test_every_route_answers_as_it_says(described: schemathesis.BaseSchema, route: str, mode: GenerationMode) -> None:

    @_bounded(15)
    @given(case=_operation(described, route).as_strategy(generation_mode=mode))
    def check(case: Asked) -> None:
        case.call_and_validate(checks=CHECKS, headers=HEADERS)

    check()


@pytest.mark.parametrize("route", [route for route in ROUTES if "{" in route or route == "POST /v1/runs"])
def test_every_route_answers_as_it_says_about_what_is_there(described: schemathesis.BaseSchema, route: str) -> None:
    @_bounded(6)
    @given(case=_operation(described, route).as_strategy())
    def check(case: Asked) -> None:
        case.path_parameters = {name: KNOWN[name] for name in case.path_parameters or {}}
        if route == "POST /v1/runs" and isinstance(case.body, dict):
            case.body["workflow"] = "adder"
            case.query = {}
        if route == "GET /v1/threads/{thread_id}/events":
            case.query = {**(case.query or {}), "format": "json"}  # its stream has no end
        case.call_and_validate(checks=CHECKS[:5], headers=HEADERS)

    check()


def _operation(described: schemathesis.BaseSchema, route: str) -> APIOperation[Any, Any, Any, Any]:
    found = described.find_operation_by_label(route)
    assert found is not None
    return found


def _bounded(examples: int) -> settings:
    return settings(max_examples=examples, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))

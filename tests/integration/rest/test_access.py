"""Who may do what, and who sees what."""

from typing import Any

import pytest

from application.access import Role, digest_of, local_admin
from tests.integration.rest.service import CONFIGURED, Service, adder, open_service

ORDER = {"workflow": "adder", "input": {"x": 1}}
TEMPLATE = {"name": "greeting", "document": {"name": "{{who}}"}, "parameters": [{"name": "who"}]}
COMPOSED = {"name": "both", "steps": [{"id": "one", "workflow": "adder"}]}

NEEDS = [
    pytest.param("GET", "/v1/runs", None, Role.VIEWER, id="list runs"),
    pytest.param("GET", "/v1/workflows", None, Role.VIEWER, id="list workflows"),
    pytest.param("GET", "/v1/templates", None, Role.VIEWER, id="list templates"),
    pytest.param("GET", "/v1/threads", None, Role.VIEWER, id="list threads"),
    pytest.param("GET", "/v1/tools/echo", None, Role.VIEWER, id="look at a tool"),
    pytest.param("GET", "/v1/models", None, Role.VIEWER, id="list models"),
    pytest.param("GET", "/v1/workers", None, Role.VIEWER, id="list workers"),
    pytest.param("POST", "/v1/workflows/validate", adder(), Role.VIEWER, id="validate"),
    pytest.param("POST", "/v1/workflows/compose", COMPOSED, Role.VIEWER, id="compose"),
    pytest.param("POST", "/v1/runs", ORDER, Role.OPERATOR, id="start a run"),
    pytest.param("POST", "/v1/threads", {}, Role.OPERATOR, id="open a thread"),
    pytest.param("POST", "/v1/tools/echo/call", {}, Role.OPERATOR, id="call a tool"),
    pytest.param("POST", "/v1/workflows", adder("3.0.0"), Role.AUTHOR, id="publish"),
    pytest.param("POST", "/v1/templates", TEMPLATE, Role.AUTHOR, id="keep a template"),
]


@pytest.mark.parametrize("role", list(Role), ids=lambda role: role.value)
@pytest.mark.parametrize(("method", "path", "body", "needed"), NEEDS)
async def test_a_role_may_do_what_it_and_those_below_may(
    service: Service, method: str, path: str, body: Any, needed: Role, role: Role
) -> None:
    await service.publish(adder(), await service.key_of("t"))
    answer = await service.call(method, path, await service.key_of("t", role), **({} if body is None else {"json": body}))

    assert answer.is_success == role.includes(needed), answer.text
    assert answer.is_success or (answer.status_code, answer.json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="no key"),
        pytest.param({"Authorization": "Bearer weft_wrong"}, id="an unknown key"),
        pytest.param({"Authorization": "Basic YTpi"}, id="another scheme"),
        pytest.param({"X-API-Key": "weft_wrong"}, id="an unknown key in its own header"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/runs", "/v1/workflows/adder", "/v1/models"])
async def test_without_a_known_key_nothing_is_told(service: Service, headers: dict[str, str], path: str) -> None:
    answer = await service.call("GET", path, key=None, headers=headers)

    assert (answer.status_code, answer.json()["code"], answer.headers["www-authenticate"]) == (401, "unauthenticated", "Bearer")


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/openapi.json", "/docs"])
async def test_probes_and_the_description_need_no_key(service: Service, path: str) -> None:
    assert (await service.call("GET", path, key=None)).status_code == 200


async def test_either_header_carries_a_key(service: Service) -> None:
    key = await service.key_of("t")

    assert (await service.call("GET", "/v1/runs", key)).status_code == 200
    assert (await service.call("GET", "/v1/runs", None, headers={"X-API-Key": key})).status_code == 200


async def test_a_removed_key_opens_nothing(service: Service) -> None:
    key = await service.key_of("t")
    (kept,) = await service.desk.list_keys(local_admin("t"))
    await service.desk.remove_key(local_admin("t"), kept.id)

    assert (await service.call("GET", "/v1/runs", key)).status_code == 401


async def test_a_key_is_stored_as_its_digest_alone(service: Service) -> None:
    key = await service.key_of("t")
    (kept,) = await service.store.keys.list(local_admin("t").tenant)

    assert (key[:5], len(key), kept.digest) == ("weft_", 5 + 43, digest_of(key))
    assert key not in repr(kept)


async def test_another_tenants_things_are_as_unknown_as_what_never_was(service: Service) -> None:
    mine, theirs = await service.key_of("mine"), await service.key_of("theirs")
    await service.publish(adder(), mine)
    await service.call("POST", "/v1/templates", mine, json=TEMPLATE)
    run = (await service.start(ORDER, mine)).json()
    never = "018f0000-0000-7000-8000-000000000000"
    pairs = [
        ("GET", "/v1/runs/{}", run["id"], never),
        ("GET", "/v1/runs/{}/events", run["id"], never),
        ("POST", "/v1/runs/{}/cancel", run["id"], never),
        ("POST", "/v1/runs/{}/pause", run["id"], never),
        ("POST", "/v1/runs/{}/resume", run["id"], never),
        ("POST", "/v1/runs/{}/signals/go", run["id"], never),
        ("GET", "/v1/threads/{}", run["thread_id"], never),
        ("GET", "/v1/workflows/{}", "adder", "never"),
        ("GET", "/v1/workflows/{}/1.0.0", "adder", "never"),
        ("GET", "/v1/templates/{}", "greeting", "farewell"),
    ]
    for method, path, there, nowhere in pairs:
        found = (await service.call(method, path.format(there), theirs)).json()
        unknown = (await service.call(method, path.format(nowhere), theirs)).json()
        for problem, name in ((found, there), (unknown, nowhere)):
            del problem["request_id"]
            problem["instance"] = problem["instance"].replace(name, "NAME")
            problem["detail"] = problem["detail"].replace(name, "NAME")
        assert found == unknown, path
    for path in ("/v1/runs", "/v1/threads", "/v1/workflows", "/v1/templates"):
        assert (await service.call("GET", path, theirs)).json()["items"] == []
    assert not await service.store.inbox.waiting([run["thread_id"]])


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"Host": "localhost:8000"}, 200, id="by name"),
        pytest.param({"Host": "127.0.0.1"}, 200, id="by address"),
        pytest.param({"Host": "[::1]:8000"}, 200, id="by the other address"),
        pytest.param({"Host": "evil.example:8000"}, 403, id="a name that was made to point here"),
        pytest.param({"Host": "localhost.evil.example"}, 403, id="a name that begins like ours"),
        pytest.param({"Host": "[::1"}, 403, id="no name at all"),
        pytest.param({"Host": "localhost:8000", "Origin": "http://localhost:8000"}, 200, id="our own page"),
        pytest.param({"Host": "localhost:8000", "Origin": "http://evil.example"}, 403, id="another page"),
        pytest.param({"Host": "localhost:8000", "Origin": "null"}, 403, id="a page without a name"),
    ],
)
async def test_without_keys_only_this_machine_is_answered(headers: dict[str, str], status: int) -> None:
    async with open_service(keyless=True) as service:
        assert (await service.call("GET", "/v1/runs", key=None, headers=headers)).status_code == status


async def test_without_keys_whoever_is_here_is_the_admin_and_a_wrong_key_is_still_wrong() -> None:
    async with open_service(keyless=True) as service:
        assert (await service.publish(adder(), key="")).status_code == 201
        assert (await service.call("GET", "/v1/runs", "weft_wrong")).status_code == 401


async def test_with_keys_the_name_of_the_host_does_not_matter(service: Service) -> None:
    assert (await service.call("GET", "/v1/runs", CONFIGURED, headers={"Host": "weft.example"})).status_code == 200

"""The audit trail over REST: every request that is no mere look stands on it, and every one that was denied."""

import asyncio
import json
from typing import Any

from application.access import KeyOrder, Role, local_admin
from application.noting import MINUTE, MOST_STRANGERS, NoteRequests
from domain.audit import Deed, verify
from domain.ids import DEFAULT_TENANT, TenantId
from interface.mcp.calls import Call, Calls
from interface.mcp.watching import Watch
from tests.integration.mcp_server.test_http import ACCEPT, called
from tests.integration.rest.place import Place
from tests.integration.rest.service import CONFIGURED, Service, adder, broken, open_service
from tests.unit.infrastructure.tool_calls import HandClock


async def deeds(service: Service, tenant: str = "default") -> list[Deed]:
    """All of them, oldest first, but for the keys that a test makes for itself."""
    await service.desk.note_request.trail.record(local_deed())
    kept = await service.store.audit.read(TenantId(tenant), 0, 1_000)
    assert verify(kept).broken is None
    return [one.record.deed for one in kept if not one.record.deed.action.startswith(("key.", "flushed"))]


def local_deed() -> Deed:
    """Recording it makes everything durable that was noted before."""
    return Deed(DEFAULT_TENANT, HandClock().now(), "test", "flushed", "", "allow")


async def test_what_changes_something_stands_on_the_trail_and_a_look_does_not(service: Service) -> None:
    await service.publish(adder())
    run = (await service.start({"workflow": "adder", "input": {"x": 1}})).json()["id"]
    await service.call("GET", f"/v1/runs/{run}")
    cancelled = await service.call("POST", f"/v1/runs/{run}/cancel", headers={"X-Request-Id": "mine"})
    await service.call("DELETE", "/v1/webhooks/018f0000-0000-7000-8000-000000000000")

    found = await deeds(service)
    assert [(deed.who, deed.action, deed.resource, deed.effect, deed.about["status"]) for deed in found] == [
        ("configured", "POST /v1/workflows", "/v1/workflows", "allow", 201),
        ("configured", "POST /v1/runs", "/v1/runs", "allow", 202),
        ("configured", "POST /v1/runs/{run_id}/cancel", f"/v1/runs/{run}/cancel", "allow", cancelled.status_code),
        ("configured", "DELETE /v1/webhooks/{webhook_id}", "/v1/webhooks/018f0000-0000-7000-8000-000000000000", "allow", 404),
    ]
    assert found[2].about["request_id"] == "mine"
    assert {deed.source for deed in found} == {"role admin"}


async def test_a_denied_action_has_no_effect_and_stands_on_the_trail_of_its_tenant(service: Service) -> None:
    made = await service.desk.create_key(local_admin("acme"), KeyOrder(role=Role.VIEWER, name="looks only"))
    assert made.key is not None
    assert (await service.publish(adder(), made.key)).status_code == 403
    assert (await service.call("GET", "/v1/audit", made.key)).status_code == 403

    first, second = await deeds(service, "acme")
    assert (first.who, first.action, first.effect, first.source) == ("looks only", "POST /v1/workflows", "deny", "role viewer")
    assert first.rule == "this needs the role author; the key has viewer: ask an admin for another key"
    assert (second.action, second.effect) == ("GET /v1/audit", "deny")
    assert (await service.call("GET", "/v1/workflows", made.key)).json()["items"] == []


async def test_a_wrong_key_stands_on_the_trail_without_the_key(service: Service) -> None:
    assert (await service.call("GET", "/v1/runs", "weft_wrong")).status_code == 401
    assert (await service.call("POST", "/v1/runs", None, json={"workflow": "adder"})).status_code == 401

    found = await deeds(service)
    assert [(deed.who, deed.action, deed.effect, deed.about["status"]) for deed in found] == [
        ("unknown key", "GET /v1/runs", "deny", 401),
        ("unknown key", "POST /v1/runs", "deny", 401),
    ]
    assert "weft_wrong" not in repr(found)


async def test_a_socket_that_is_denied_stands_on_the_trail(place: Place) -> None:
    run = "018f0000-0000-7000-8000-000000000000"
    async with place.socket(f"/v1/runs/{run}/events", additional_headers={"Authorization": "Bearer weft_wrong"}) as socket:
        await socket.recv()
        await socket.wait_closed()

    (found,) = [deed for deed in await deeds(place.service) if deed.effect == "deny"]
    assert (found.action, found.resource, found.about["status"]) == ("WEBSOCKET", f"/v1/runs/{run}/events", 401)


async def test_what_other_pages_ask_of_a_service_without_keys_stands_on_the_trail() -> None:
    async with open_service(keyless=True) as service:
        await service.call("POST", "/v1/runs", None, headers={"Host": "evil.example"}, json={})
        (found,) = await deeds(service)

    assert (found.who, found.action, found.resource, found.effect) == ("unknown key", "POST", "/v1/runs", "deny")


async def test_a_flood_of_wrong_keys_is_counted_and_fills_nothing(service: Service) -> None:
    clock = HandClock()
    noting = NoteRequests(service.desk.note_request.trail, clock)
    flooded = broken(service, note_request=noting)
    for _ in range(MOST_STRANGERS + 5):
        await flooded.call("GET", "/v1/runs", "weft_wrong")
    assert len(await deeds(flooded)) == MOST_STRANGERS

    clock.passed += MINUTE
    await flooded.call("GET", "/v1/runs", "weft_wrong")
    counted, after = (await deeds(flooded))[MOST_STRANGERS:]
    assert (counted.who, counted.action, counted.effect, counted.about) == ("unknown key", "requests", "deny", {"requests": 5})
    assert after.action == "GET /v1/runs"


async def test_who_went_before_an_answer_stands_on_the_trail(service: Service) -> None:
    class Gone(Exception):
        pass

    async def hangs(*_: object) -> None:
        started.set()
        await asyncio.Event().wait()

    started = asyncio.Event()
    hanging = broken(service, cancel_run=hangs)
    asking = asyncio.create_task(hanging.call("POST", "/v1/runs/018f0000-0000-7000-8000-000000000000/cancel"))
    await started.wait()
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)

    (found,) = await deeds(service)
    assert (found.action, found.about["status"]) == ("POST /v1/runs/{run_id}/cancel", None)


async def called_over_mcp(service: Service, name: str, key: str = CONFIGURED, **arguments: Any) -> dict[str, Any]:
    answer = await service.call("POST", "/mcp", key, json=called(name, **arguments), headers=ACCEPT)
    result: dict[str, Any] = json.loads(answer.text.partition("data: ")[2])
    return result


async def test_what_is_called_over_mcp_stands_on_the_trail_with_its_run(service: Service) -> None:
    await service.publish(adder())
    told = await called_over_mcp(service, "start_run", workflow="adder", input={"x": 1})
    run = told["result"]["structuredContent"]["run_id"]
    await called_over_mcp(service, "get_run", run_id=run)
    await called_over_mcp(service, "echo")
    await called_over_mcp(service, "cancel_run", run_id="nothing")
    await called_over_mcp(service, "no\0thing")

    found = await deeds(service)
    assert [(deed.who, deed.resource, deed.effect, deed.about) for deed in found if deed.action == "mcp.call"] == [
        ("configured", "start_run", "allow", {"run": run}),
        ("configured", "echo", "allow", {}),
        ("configured", "cancel_run", "allow", {"run": "nothing", "error": "run_not_found"}),
        ("configured", "no\N{REPLACEMENT CHARACTER}thing", "allow", {"error": "unknown_tool"}),
    ]
    assert [(deed.who, deed.resource, deed.about["status"]) for deed in found if deed.action.startswith("POST")][1:] == [
        ("configured", "/mcp", 200)
    ] * 5


async def test_what_is_denied_over_mcp_stands_on_the_trail_of_its_tenant_as_denied(service: Service) -> None:
    made = await service.desk.create_key(local_admin("acme"), KeyOrder(role=Role.VIEWER, name="looks only"))
    await called_over_mcp(service, "start_run", made.key or "", workflow="adder")

    (denied,) = [deed for deed in await deeds(service, "acme") if deed.effect == "deny"]
    assert (denied.who, denied.action, denied.resource) == ("looks only", "mcp.call", "start_run")
    assert (denied.rule, denied.about) == (
        "this needs the role operator; the key has viewer: ask an admin for another key",
        {"error": "forbidden"},
    )


async def test_a_call_whose_caller_goes_stands_on_the_trail(service: Service) -> None:
    async def hangs(*_: object) -> None:
        started.set()
        await asyncio.Event().wait()

    started = asyncio.Event()
    hanging = broken(service, start_run=hangs)
    calls = Calls(hanging.desk, local_admin("default"), Watch(hanging.desk, local_admin("default"), asyncio.Event()), 1.0)
    calling = asyncio.create_task(calls("start_run", {"workflow": "adder"}, Call()))
    await started.wait()
    calling.cancel()
    await asyncio.gather(calling, return_exceptions=True)

    (found,) = await deeds(service)
    assert (found.who, found.action, found.resource, found.about) == ("local", "mcp.call", "start_run", {"error": "cancelled"})


async def test_keys_that_are_made_and_removed_stand_on_the_trail_before_they_are(service: Service) -> None:
    made = await service.desk.create_key(local_admin("acme"), KeyOrder(role=Role.VIEWER, name="looks only"))
    await service.desk.remove_key(local_admin("acme"), made.id)

    found = [one.record.deed for one in await service.store.audit.read(TenantId("acme"), 0, 9)]
    assert [(deed.who, deed.action, deed.resource) for deed in found] == [
        ("local", "key.create", made.id),
        ("local", "key.remove", made.id),
    ]
    assert found[0].about == {"role": "viewer", "name": "looks only"}
    assert str(made.key) not in repr(found)


async def page(service: Service, query: str = "", key: str = CONFIGURED) -> dict[str, Any]:
    answer = await service.call("GET", f"/v1/audit{query}", key)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_an_admin_reads_the_trail_of_the_own_tenant_by_pages(service: Service) -> None:
    for version in ("1.0.0", "2.0.0", "3.0.0"):
        await service.publish(adder(version))
    await service.publish(adder(), await service.key_of("other"))
    await deeds(service)

    first = await page(service, "?limit=2&action=POST%20/v1/workflows")
    second = await page(service, f"?limit=2&action=POST%20/v1/workflows&cursor={first['next_cursor']}")
    assert [one["number"] for one in (*first["items"], *second["items"])] == [3, 2, 1]
    assert second["next_cursor"] is None
    assert (await page(service, "?effect=deny"))["items"] == []
    assert (await service.call("GET", "/v1/audit?since=yesterday")).status_code == 422
    assert (await service.call("GET", "/v1/audit?cursor=x")).status_code == 422


async def test_the_chain_is_verified_part_by_part_and_the_first_break_is_named(service: Service) -> None:
    for number in range(5):
        await service.publish(adder(f"{number}.0.0"))
    await deeds(service)

    whole = (await service.call("GET", "/v1/audit/verify")).json()
    assert (whole["whole"], whole["read"], whole["number"], whole["more"], whole["broken"]) == (True, 6, 6, False, None)
    part = (await service.call("GET", "/v1/audit/verify?limit=4")).json()
    assert (part["whole"], part["read"], part["number"], part["more"]) == (True, 4, 4, True)
    rest = (await service.call("GET", f"/v1/audit/verify?after=4:{part['digest']}")).json()
    assert (rest["whole"], rest["read"], rest["digest"], rest["more"]) == (True, 2, whole["digest"], False)
    assert (await service.call("GET", "/v1/audit/verify?after=4")).status_code == 422

    rows = service.store.audit.book.audit[DEFAULT_TENANT]  # type: ignore[attr-defined]
    rows[3] = [*rows[3][:3], "eve", *rows[3][4:]]
    edited = (await service.call("GET", "/v1/audit/verify")).json()
    assert (edited["whole"], edited["read"], edited["broken"]["number"]) == (False, 2, 3)

"""Webhooks over REST."""

import base64
from typing import Any

import pytest

from application.access import Role
from domain.news import TOLD
from tests.integration.rest.service import Service, adder

PATH = "/v1/webhooks"
URL = "https://example.com/hook"


async def created(service: Service, **order: Any) -> dict[str, Any]:
    answer = await service.call("POST", PATH, json={"url": URL, **order})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    assert answer.headers["Location"] == f"{PATH}/{made['id']}"
    return made


async def ended(service: Service) -> dict[str, Any]:
    """A run that is over."""
    await service.publish(adder())
    run: dict[str, Any] = (await service.start({"workflow": "adder", "input": {"x": 1}})).json()
    worker = await service.worker()
    await worker.begin()
    await worker.end({"x": 2})
    return run


async def test_its_secret_is_shown_when_it_is_made_and_never_again(service: Service) -> None:
    made = await created(service, events=["run.failed", "run.completed"], workflow="adder", description="pager")
    secret = made.pop("secret")
    found = (await service.call("GET", f"{PATH}/{made['id']}")).json()
    (listed,) = (await service.call("GET", PATH)).json()["items"]

    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    assert found == listed == made
    assert (made["events"], made["workflow"], made["enabled"]) == (["run.completed", "run.failed"], "adder", True)


async def test_the_same_request_with_a_key_makes_one(service: Service) -> None:
    first, second = [(await service.call("POST", PATH, json={"url": URL}, headers={"Idempotency-Key": "k"})).json() for _ in range(2)]
    other = await service.call("POST", PATH, json={"url": f"{URL}2"}, headers={"Idempotency-Key": "k"})

    assert first == second
    assert first["events"] == [news.value for news in TOLD]
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")


@pytest.mark.parametrize(
    ("order", "pointer"),
    [
        pytest.param({"url": "http://169.254.169.254/latest"}, "/url", id="an address only we can reach"),
        pytest.param({"url": "ftp://example.com"}, "/url", id="another protocol"),
        pytest.param({"url": URL, "events": []}, "/events", id="no events"),
        pytest.param({"url": URL, "events": ["run.exploded"]}, "/events/0", id="an event that never happens"),
        pytest.param({"url": URL, "workflow": "adder@1.0.0"}, "/workflow", id="a version instead of a name"),
    ],
)
async def test_what_is_wrong_with_an_order_is_said(service: Service, order: dict[str, Any], pointer: str) -> None:
    answer = await service.call("POST", PATH, json=order)

    assert answer.status_code == 422
    assert pointer in [problem["pointer"] for problem in answer.json()["problems"]]


async def test_changes_keep_what_is_not_said(service: Service) -> None:
    made = await created(service, workflow="adder", description="pager")
    path = f"{PATH}/{made['id']}"
    off = (await service.call("PATCH", path, json={"enabled": False, "events": ["run.failed"]})).json()
    refused = [await service.call("PATCH", path, json={"url": "http://10.0.0.1"}), await service.call("POST", f"{path}/test")]
    on = (await service.call("PATCH", path, json={"enabled": True, "workflow": None})).json()

    assert (off["enabled"], off["events"], off["workflow"], off["description"]) == (False, ["run.failed"], "adder", "pager")
    assert [answer.status_code for answer in refused] == [422, 409]
    assert (on["enabled"], on["workflow"], on["events"], on["url"]) == (True, None, ["run.failed"], URL)


async def test_a_run_that_ends_stands_in_the_log_and_can_be_sent_again(service: Service) -> None:
    made = await created(service, events=["run.completed"])
    run = await ended(service)
    log = f"{PATH}/{made['id']}/deliveries"
    (delivery,) = (await service.call("GET", log)).json()["items"]
    again = await service.call("POST", f"{log}/{delivery['id']}/redeliver")
    unknown = await service.call("POST", f"{log}/evt_nothing/redeliver")

    assert (delivery["event"], delivery["run_id"], delivery["state"]) == ("run.completed", run["id"], "pending")
    assert (again.status_code, again.json()["id"]) == (202, delivery["id"])
    assert (unknown.status_code, unknown.json()["code"]) == (404, "delivery_not_found")
    for wanted, count in (
        ({"run_id": run["id"]}, 1),
        ({"state": "failed"}, 0),
        ({"event": "run.failed"}, 0),
        ({"event": "run.completed"}, 1),
    ):
        assert len((await service.call("GET", log, params=wanted)).json()["items"]) == count


async def test_a_test_is_one_event_for_one_key(service: Service) -> None:
    made = await created(service)
    path = f"{PATH}/{made['id']}"
    first, second = [(await service.call("POST", f"{path}/test", headers={"Idempotency-Key": "t"})).json() for _ in range(2)]

    assert first["id"] == second["id"]
    assert (first["event"], first["run_id"]) == ("webhook.test", None)
    assert len((await service.call("GET", f"{path}/deliveries")).json()["items"]) == 1


async def test_a_new_secret_is_another_one(service: Service) -> None:
    made = await created(service)
    rotated = await service.call("POST", f"{PATH}/{made['id']}/rotate-secret")

    assert rotated.status_code == 200
    assert rotated.json()["secret"] != made["secret"]


async def test_a_removed_webhook_is_gone(service: Service) -> None:
    made = await created(service)
    path = f"{PATH}/{made['id']}"

    assert (await service.call("DELETE", path)).status_code == 204
    assert (await service.call("GET", path)).json()["code"] == "webhook_not_found"


async def test_another_tenants_webhook_is_not_there_and_roles_have_their_limits(service: Service) -> None:
    made = await created(service)
    path = f"{PATH}/{made['id']}"
    stranger, viewer, operator = (
        await service.key_of("other"),
        await service.key_of("default", Role.VIEWER),
        await service.key_of("default", Role.OPERATOR),
    )
    routes = (
        ("GET", ""),
        ("DELETE", ""),
        ("POST", "/test"),
        ("POST", "/rotate-secret"),
        ("GET", "/deliveries"),
        ("POST", "/deliveries/x/redeliver"),
    )

    assert {(await service.call(method, path + more, stranger)).status_code for method, more in routes} == {404}
    assert (await service.call("GET", path, viewer)).status_code == 200
    assert (await service.call("POST", f"{path}/test", viewer)).status_code == 403
    assert (await service.call("POST", f"{path}/test", operator)).status_code == 202
    assert (await service.call("POST", f"{path}/rotate-secret", operator)).status_code == 403
    assert (await service.call("POST", PATH, operator, json={"url": URL})).status_code == 403

"""Schedules over REST."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from application.access import Role
from tests.integration.rest.service import Service, adder
from tests.integration.rest.site import Site, open_site

ORDER = {"workflow": "adder", "input": {"x": 1}, "cron": "0 9 * * MON-FRI", "time_zone": "Europe/Berlin"}
PATH = "/v1/schedules"


@pytest.fixture(autouse=True)
async def published(service: Service) -> None:
    await service.publish(adder())


async def created(service: Service, **order: Any) -> dict[str, Any]:
    answer = await service.call("POST", PATH, json={**ORDER, **order})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    assert answer.headers["Location"] == f"{PATH}/{made['id']}"
    return made


async def patched(service: Service, schedule: dict[str, Any], **patch: Any) -> dict[str, Any]:
    answer = await service.call("PATCH", f"{PATH}/{schedule['id']}", json=patch)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def moment(written: str) -> datetime:
    return datetime.fromisoformat(written)


async def test_a_schedule_says_when_it_is_due_next(service: Service) -> None:
    made = await created(service, name="report", metadata={"team": "north"})
    found = (await service.call("GET", f"{PATH}/{made['id']}", params={"next": 3})).json()
    (listed,) = (await service.call("GET", PATH)).json()["items"]

    assert (made["overlap"], made["catch_up_seconds"], made["paused"], made["failures"]) == ("skip", 0, False, 0)
    assert len(made["next"]) == 5
    assert found == {**made, "next": made["next"][:3]}
    assert listed == {**made, "next": made["next"][:1]}
    assert all(moment(time).astimezone(UTC) > datetime.now(UTC) for time in made["next"])
    assert {moment(time).hour for time in made["next"]} <= {7, 8}


@pytest.mark.parametrize(
    ("order", "pointers"),
    [
        pytest.param({"cron": "0 9 * *"}, ["/cron"], id="a cron expression that is none"),
        pytest.param({"time_zone": "Europe/Atlantis"}, ["/time_zone"], id="a zone that is none"),
        pytest.param({"cron": None, "every_seconds": 5, "time_zone": "Europe/Atlantis"}, ["/time_zone"], id="also where nothing needs it"),
        pytest.param({"every_seconds": 5}, ["/cron"], id="cron and seconds"),
        pytest.param({"cron": None}, ["/cron"], id="neither"),
        pytest.param({"cron": None, "every_seconds": 0}, ["/every_seconds"], id="no seconds"),
        pytest.param({"ends_at": "2020-01-01T00:00:00Z"}, ["/ends_at"], id="an end that has passed"),
        pytest.param({"starts_at": "2030-01-02T00:00:00Z", "ends_at": "2030-01-01T00:00:00Z"}, ["/ends_at"], id="an end before the start"),
        pytest.param({"starts_at": "2030-01-02T00:00:00"}, ["/starts_at"], id="a time without a zone"),
        pytest.param({"starts_at": "9999-12-31T23:59:59Z"}, ["/starts_at"], id="the end of dates"),
        pytest.param({"cron": "* * */20 * 1L"}, ["/cron"], id="a day that never comes"),
        pytest.param({"input": {"x": "one"}}, ["/input/x", "/input/x"], id="an input that does not fit"),
        pytest.param({"overlap": "maybe"}, ["/overlap"], id="a policy that is none"),
        pytest.param({"crom": "* * * * *"}, ["/crom"], id="a member that is not known"),
    ],
)
async def test_what_does_not_fit_is_refused_with_its_pointer(service: Service, order: dict[str, Any], pointers: list[str]) -> None:
    body = {name: value for name, value in {**ORDER, **order}.items() if value is not None}
    answer = await service.call("POST", PATH, json=body)

    assert (answer.status_code, [problem["pointer"] for problem in answer.json()["problems"]]) == (422, pointers)
    assert (await service.call("GET", PATH)).json()["items"] == []


async def test_a_workflow_that_is_not_there_is_said_at_once(service: Service) -> None:
    answer = await service.call("POST", PATH, json={**ORDER, "workflow": "gone"})
    assert (answer.status_code, answer.json()["code"]) == (404, "workflow_not_found")


async def test_a_key_makes_one_schedule(service: Service) -> None:
    key = {"Idempotency-Key": "k"}
    answers = [await service.call("POST", PATH, json=ORDER, headers=key) for _ in range(2)]
    other = await service.call("POST", PATH, json={**ORDER, "name": "another"}, headers=key)

    assert answers[0].json() == answers[1].json()
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")
    assert len((await service.call("GET", PATH)).json()["items"]) == 1


async def test_a_patch_changes_what_it_says(service: Service) -> None:
    made = await created(service, name="report", priority="high")
    changed = await patched(service, made, name=None, input={"x": 2}, overlap="allow")

    assert changed == {**made, "name": None, "input": {"x": 2}, "overlap": "allow"}
    assert await patched(service, made) == changed


async def test_cron_and_seconds_replace_each_other(service: Service) -> None:
    made = await created(service)
    quick = await patched(service, made, every_seconds=3600)
    again = await patched(service, made, cron="30 9 * * *")
    answer = await service.call("PATCH", f"{PATH}/{made['id']}", json={"cron": "* * * * *", "every_seconds": 5})

    assert (quick["cron"], quick["every_seconds"], moment(quick["next"][0]) - datetime.now(UTC) <= timedelta(hours=1)) == (None, 3600, True)
    assert (again["cron"], again["every_seconds"]) == ("30 9 * * *", None)
    assert (answer.status_code, answer.json()["problems"][0]["pointer"]) == (422, "/cron")


async def test_paused_it_is_not_due_and_resumed_it_is(service: Service) -> None:
    made = await created(service)
    paused = await patched(service, made, paused=True)
    resumed = await patched(service, made, paused=False)
    resting = await created(service, paused=True)

    assert (paused["paused"], paused["next"]) == (True, [])
    assert resumed == made
    assert (resting["next"], (await patched(service, resting, paused=False))["next"]) == ([], made["next"])


async def test_one_can_be_paused_whose_workflow_would_not_start(service: Service) -> None:
    made = await created(service)
    await service.publish(adder("2.0.0", input={"type": "object", "required": ["y"]}))

    assert (await patched(service, made, paused=True))["paused"]
    answer = await service.call("PATCH", f"{PATH}/{made['id']}", json={"input": {"x": 3}})
    assert answer.status_code == 422


async def test_a_trigger_starts_a_run_now_also_of_one_that_is_paused(service: Service) -> None:
    made = await created(service, paused=True, priority="high", metadata={"team": "north"})
    key = {"Idempotency-Key": "k"}
    answers = [await service.call("POST", f"{PATH}/{made['id']}/trigger", headers=key) for _ in range(2)]
    other = await service.call("POST", f"{PATH}/{made['id']}/trigger")
    firing = answers[0].json()
    run = (await service.call("GET", f"/v1/runs/{firing['run_id']}")).json()
    listed = (await service.call("GET", f"{PATH}/{made['id']}/firings")).json()["items"]

    assert [answer.status_code for answer in (*answers, other)] == [202, 202, 202]
    assert (firing["state"], firing["manual"], answers[1].json()) == ("started", True, firing)
    assert (run["metadata"]["schedule"], run["metadata"]["team"], run["input"]) == (made["id"], "north", {"x": 1})
    assert listed == [other.json(), firing]
    assert len((await service.call("GET", "/v1/runs")).json()["items"]) == 2


async def test_a_trigger_that_cannot_start_says_why(service: Service) -> None:
    made = await created(service)
    await service.publish(adder("2.0.0", input={"type": "object", "required": ["y"]}))
    answer = await service.call("POST", f"{PATH}/{made['id']}/trigger")

    assert (answer.status_code, answer.json()["problems"][0]["pointer"]) == (422, "/input")


async def test_a_key_of_a_request_never_meets_that_of_a_firing(service: Service) -> None:
    """A key of a request has no spaces, and those of firings have."""
    answer = await service.start({"workflow": "adder", "input": {"x": 1}}, headers={"Idempotency-Key": "schedule a 2026"})
    assert answer.status_code == 422


async def test_what_was_deleted_is_gone(service: Service) -> None:
    made = await created(service)
    path = f"{PATH}/{made['id']}"
    assert (await service.call("DELETE", path)).status_code == 204

    gone = [await service.call(*ask) for ask in (("GET", path), ("DELETE", path), ("POST", f"{path}/trigger"), ("GET", f"{path}/firings"))]
    gone.append(await service.call("PATCH", path, json={}))
    assert {(answer.status_code, answer.json()["code"]) for answer in gone} == {(404, "schedule_not_found")}


ASKS = [
    pytest.param("GET", "", None, Role.VIEWER, id="look"),
    pytest.param("GET", "/firings", None, Role.VIEWER, id="look at firings"),
    pytest.param("PATCH", "", {"paused": True}, Role.OPERATOR, id="change"),
    pytest.param("POST", "/trigger", None, Role.OPERATOR, id="trigger"),
    pytest.param("DELETE", "", None, Role.OPERATOR, id="delete"),
]


@pytest.mark.parametrize(("method", "path", "body", "needed"), ASKS)
async def test_who_may_and_that_another_tenant_sees_nothing(service: Service, method: str, path: str, body: Any, needed: Role) -> None:
    made = await created(service)
    path = f"{PATH}/{made['id']}{path}"
    other = await service.call(method, path, await service.key_of("other"), json=body)
    answers = {role: await service.call(method, path, await service.key_of("default", role), json=body) for role in Role}

    assert (other.status_code, other.json()["code"]) == (404, "schedule_not_found")
    allowed = {role for role, answer in answers.items() if answer.status_code != 403}
    assert allowed == {role for role in Role if role.includes(needed)}


async def test_a_viewer_makes_none(service: Service) -> None:
    answer = await service.call("POST", PATH, await service.key_of("default", Role.VIEWER), json=ORDER)
    assert answer.status_code == 403


async def test_a_slow_run_holds_up_the_firings_behind_it(tmp_path: Path) -> None:
    """The whole of Weft: a worker starts what is due and carries it."""
    nap = {"nap": {"kind": "wait", "signal": "enough"}}
    edges = [{"from": "start", "to": "nap"}]
    async with open_site(tmp_path) as site:
        await site.publish({"weft": 1, "name": "slow", "version": "1.0.0", "nodes": nap, "edges": edges})
        made = (await site.call("POST", PATH, json={"workflow": "slow", "every_seconds": 1, "overlap": "queue_one"})).json()
        working = asyncio.create_task(site.weft.work())
        states = await firing_states(site, made["id"], {"started", "waiting", "skipped"})
        site.weft.worker.stop()
        await asyncio.wait_for(working, 30)

    assert states[:3] == ["started", "waiting", "skipped"]


async def firing_states(site: Site, schedule: str, wanted: set[str]) -> list[str]:
    """Oldest first, once all of these are among them."""
    async with asyncio.timeout(30):
        while True:
            firings = (await site.call("GET", f"{PATH}/{schedule}/firings")).json()["items"]
            states = [firing["state"] for firing in reversed(firings)]
            if wanted <= set(states):
                return states
            await asyncio.sleep(0.05)

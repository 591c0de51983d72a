"""Pause, resume and signals, from the request to what the run does with it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from application import controlling
from application.access import LOCAL_ADMIN, Role
from domain.ids import ThreadId
from tests.integration.rest.service import CONFIGURED, Service, adder
from tests.integration.rest.site import Site, open_site
from tests.integration.rest.streaming import listening

WAIT = 30
ACTS = [
    pytest.param("pause", {"reason": "lunch"}, id="pause"),
    pytest.param("resume", None, id="resume"),
    pytest.param("signals/go", {"payload": 1}, id="signal"),
]


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with open_site(tmp_path) as opened:
        yield opened


def waiting(**wait: Any) -> dict[str, Any]:
    """Notes what woke it."""
    node = {"kind": "wait", "writes": {"got": "${output}"}, **wait}
    edges = [{"from": "start", "to": "w"}, {"from": "w", "to": "end"}]
    return {"weft": 1, "name": "waiting", "version": "1.0.0", "state": {"got": {}}, "nodes": {"w": node}, "edges": edges}


async def started(service: Service, key: str = CONFIGURED) -> dict[str, Any]:
    await service.publish(adder(), key)
    run: dict[str, Any] = (await service.start({"workflow": "adder", "input": {"x": 1}}, key)).json()
    return run


async def wishes(service: Service, run: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(wish.kind, wish.body) for wish in await service.store.inbox.waiting([ThreadId(run["thread_id"])])]


@pytest.mark.parametrize("role", list(Role), ids=lambda role: role.value)
@pytest.mark.parametrize(("act", "body"), ACTS)
async def test_it_takes_an_operator(service: Service, act: str, body: Any, role: Role) -> None:
    run = await started(service, await service.key_of("t"))

    answer = await service.call("POST", f"/v1/runs/{run['id']}/{act}", await service.key_of("t", role), json=body)
    assert answer.is_success == role.includes(Role.OPERATOR), answer.text


@pytest.mark.parametrize(("act", "body"), ACTS)
async def test_another_tenants_run_is_not_there(service: Service, act: str, body: Any) -> None:
    run = await started(service)

    answer = await service.call("POST", f"/v1/runs/{run['id']}/{act}", await service.key_of("other"), json=body)
    assert (answer.status_code, answer.json()["code"], await wishes(service, run)) == (404, "run_not_found", [])


async def test_a_signal_without_a_key_is_a_new_one_each_time(service: Service) -> None:
    run = await started(service)
    for number in range(2):
        answer = await service.call("POST", f"/v1/runs/{run['id']}/signals/go", json={"payload": number, "transient": True})
        assert answer.status_code == 202

    common = {"name": "go", "transient": True, "by": "configured", "key": ""}
    assert await wishes(service, run) == [("signal", {**common, "payload": 0}), ("signal", {**common, "payload": 1})]


async def test_a_signal_that_is_sent_again_with_its_key_is_one_also_after_it_was_taken(service: Service) -> None:
    run = await started(service)
    path, key = f"/v1/runs/{run['id']}/signals/go", {"Idempotency-Key": "k"}
    first = await service.call("POST", path, json={"payload": 1}, headers=key)
    worker = await service.worker()
    await worker.begin()
    await worker.end()
    again = await service.call("POST", path, json={"payload": 1}, headers=key)
    other = await service.call("POST", path, json={"payload": 2}, headers=key)

    assert (first.status_code, again.status_code, await wishes(service, run)) == (202, 202, [])
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")


async def test_a_run_that_has_ended_takes_no_signal_and_cannot_be_paused(service: Service) -> None:
    run = await started(service)
    worker = await service.worker()
    await worker.begin()
    await worker.end()
    answers = [await service.call("POST", f"/v1/runs/{run['id']}/{act}", json={}) for act in ("pause", "resume", "signals/go")]

    assert [answer.status_code for answer in answers] == [200, 200, 409]
    assert [answers[0].json()["status"], answers[1].json()["status"]] == ["completed", "completed"]
    assert answers[2].json()["code"] == "illegal_transition"


@pytest.mark.parametrize(
    ("name", "body", "pointer"),
    [
        pytest.param("a b", {}, "/path/name", id="a name with a space"),
        pytest.param("x" * 129, {}, "/path/name", id="a name that is too long"),
        pytest.param("go", {"payload": 1, "more": 2}, "/more", id="a member that is not known"),
        pytest.param("go", {"transient": "yes"}, "/transient", id="a word for a truth"),
    ],
)
async def test_a_signal_that_does_not_fit_is_refused(service: Service, name: str, body: Any, pointer: str) -> None:
    run = await started(service)

    answer = await service.call("POST", f"/v1/runs/{run['id']}/signals/{name}", json=body)
    assert (answer.status_code, [found["pointer"] for found in answer.json()["problems"]]) == (422, [pointer])


async def test_a_request_that_waits_is_answered_when_the_run_waits_for_a_signal(site: Site) -> None:
    async with site.working():
        run = await site.start(waiting(first=[{"signal": "yes"}, {"seconds": 3600}]), wait=WAIT)

    (what,) = run["waiting_for"]
    assert (run["status"], what["activation"], what["kind"], what["signals"]) == ("parked", "/w#1", "signal", ["yes"])
    assert what["until"] > run["started_at"]


async def test_a_signal_wakes_the_run_with_its_payload(site: Site) -> None:
    async with site.working():
        run = await site.start(waiting(signal="yes"), wait=WAIT)
        answer = await site.call("POST", f"/v1/runs/{run['id']}/signals/yes", json={"payload": {"by": "Ada"}})
        assert answer.status_code == 202
        ended = await site_ended(site, run["id"])

    assert (ended["status"], ended["output"]) == ("completed", {"got": {"woke_by": "yes", "payload": {"by": "Ada"}}})
    assert ended["waiting_for"] == []


async def test_a_paused_run_is_parked_and_goes_on_when_it_is_resumed(site: Site) -> None:
    run = await site.start(waiting(seconds=0))
    path = f"/v1/runs/{run['id']}"
    assert (await site.call("POST", f"{path}/resume")).status_code == 200
    assert (await site.call("POST", f"{path}/pause", json={"reason": "lunch"})).status_code == 202
    async with site.working():
        _, is_parked = await site.weft.desk.wait_for_run(LOCAL_ADMIN, run["id"], WAIT)
        parked = await site.run(run["id"])
        assert (await site.call("POST", f"{path}/pause")).status_code == 200
        assert (await site.call("POST", f"{path}/resume")).status_code == 202
        ended = await site_ended(site, run["id"])

    assert is_parked
    assert [(what["activation"], what["kind"]) for what in parked["waiting_for"]] == [("", "pause")]
    assert (parked["paused"], ended["paused"], ended["status"]) == (True, False, "completed")


async def test_a_stream_tells_who_paused_and_why(site: Site) -> None:
    run = await site.start(waiting(seconds=0))
    await site.call("POST", f"/v1/runs/{run['id']}/pause", json={"reason": "lunch"})
    await site.call("POST", f"/v1/runs/{run['id']}/resume")
    async with site.working(), asyncio.timeout(WAIT), listening(site, f"/v1/runs/{run['id']}/events", "") as stream:
        rows = {event.event: event.data async for event in stream.events()}

    assert (rows["pause_requested"]["by"], rows["pause_requested"]["reason"]) == ("configured", "lunch")
    assert rows["resumed"]["by"] == "configured"


async def site_ended(site: Site, run: str) -> dict[str, Any]:
    async with asyncio.timeout(WAIT), listening(site, f"/v1/runs/{run}/events", "") as stream:
        assert [event.event async for event in stream.events()][-1] == "end"
    return await site.run(run)


async def test_signals_for_a_run_that_does_not_look_at_them_are_not_kept_without_end(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(controlling, "MOST_SIGNALS", 2)
    run = await started(service)
    path, key = f"/v1/runs/{run['id']}/signals/go", {"Idempotency-Key": "k"}
    answers = [await service.call("POST", path, json={}, headers=key)]
    answers += [await service.call("POST", path, json={"transient": transient}) for transient in (False, False, True)]
    again = await service.call("POST", path, json={}, headers=key)

    assert [answer.status_code for answer in answers] == [202, 202, 409, 409]
    assert (answers[2].json()["code"], again.status_code, len(await wishes(service, run))) == ("too_many_signals", 202, 2)


async def test_a_run_keeps_so_many_signals_and_still_takes_the_one_it_waits_for(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controlling, "MOST_SIGNALS", 5)
    async with site.working():
        run = await site.start(waiting(signal="yes"), wait=WAIT)
        path = f"/v1/runs/{run['id']}/signals"
        answers = []
        for number in range(6):
            answers.append(await site.call("POST", f"{path}/other", json={"payload": number}))
            await taken(site, run)
        dropped = await site.call("POST", f"{path}/other", json={"transient": True})
        await site.call("POST", f"{path}/yes", json={"payload": "at last"})
        ended = await site_ended(site, run["id"])

    assert [answer.status_code for answer in answers] == [202] * 5 + [409]
    assert (dropped.status_code, ended["output"]["got"]["payload"]) == (202, "at last")


async def taken(site: Site, run: dict[str, Any]) -> None:
    for _ in range(100 * WAIT):
        if not await site.weft.shared.store().inbox.count(run["id"], "signal"):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the run does not take its signals")

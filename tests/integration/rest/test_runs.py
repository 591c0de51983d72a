"""Runs over REST: what is asked for is what is stored, once."""

import asyncio
from typing import Any

import pytest

from domain.errors import Failure
from tests.integration.rest.service import Service, adder

ORDER = {"workflow": "adder", "input": {"x": 1}}


@pytest.fixture(autouse=True)
async def published(service: Service) -> None:
    assert (await service.publish(adder())).status_code == 201


async def test_a_start_answers_with_where_the_run_is(service: Service) -> None:
    answer = await service.start({**ORDER, "metadata": {"ticket": 7}, "mode": "sync", "durability": "exit"})

    run = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (202, f"/v1/runs/{run['id']}")
    assert (run["status"], run["workflow"], run["input"]) == ("queued", "adder@1.0.0", {"x": 1})
    assert (run["metadata"], run["mode"], run["durability"]) == ({"ticket": 7}, "sync", "exit")
    assert (await service.call("GET", answer.headers["location"])).json() == run


async def test_a_name_means_the_newest_version_and_a_version_means_itself(service: Service) -> None:
    await service.publish(adder("1.10.0"))
    await service.publish(adder("1.9.0"))

    newest, old = await service.start(ORDER), await service.start({**ORDER, "workflow": "adder@1.9.0"})
    assert (newest.json()["workflow"], old.json()["workflow"]) == ("adder@1.10.0", "adder@1.9.0")


async def test_a_whole_document_runs_and_is_not_published(service: Service) -> None:
    answer = await service.start({"workflow": adder("7.0.0", name="loose"), "input": {"x": 1}})

    worker = await service.worker()
    kept = await service.store.workflows.by_hash(worker.run.tenant, worker.run.workflow_hash)
    assert (answer.status_code, kept.graph.id) == (202, "loose@7.0.0")
    assert (await service.call("GET", "/v1/workflows/loose")).status_code == 404


async def test_yaml_is_as_good_as_json(service: Service) -> None:
    answer = await service.call(
        "POST", "/v1/runs", content="workflow: adder\ninput:\n  x: 1\n", headers={"Content-Type": "application/yaml"}
    )

    assert (answer.status_code, answer.json()["input"]) == (202, {"x": 1})


@pytest.mark.parametrize(
    ("given", "pointers"),
    [
        pytest.param({"input": {}}, ["/input"], id="an input without what its schema requires"),
        pytest.param({"input": {"x": "one"}}, ["/input/x"], id="a member of another type"),
        pytest.param({"input": {"x": 1}, "limits": {"steps": 10_001}}, ["/limits/steps"], id="a limit that is raised"),
        pytest.param({"input": {"x": 1}, "limits": {"seconds": 4000.0}}, ["/limits/seconds"], id="more seconds"),
    ],
)
async def test_what_does_not_fit_the_workflow_is_refused_and_nothing_is_stored(
    service: Service, given: dict[str, Any], pointers: list[str]
) -> None:
    answer = await service.start({"workflow": "adder", **given})

    assert (answer.status_code, sorted({problem["pointer"] for problem in answer.json()["problems"]})) == (422, pointers)
    assert (await service.call("GET", "/v1/runs")).json()["items"] == []


async def test_limits_may_be_lowered_and_set_where_there_were_none(service: Service) -> None:
    await service.start({**ORDER, "limits": {"steps": 5, "cost_usd": "0.25", "tokens": 100}})

    limits = (await service.worker()).run.limits
    assert (limits.steps, str(limits.cost_usd), limits.tokens, limits.visits) == (5, "0.25", 100, 1000)


async def test_the_same_key_and_body_answer_with_the_same_run(service: Service) -> None:
    headers = {"Idempotency-Key": "k1"}
    bodies = [ORDER, {"input": {"x": 1}, "workflow": "adder", "mode": "async"}]
    answers = await asyncio.gather(*(service.start(bodies[number % 2], headers=headers) for number in range(20)))

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len((await service.call("GET", "/v1/runs")).json()["items"]) == 1


async def test_the_same_key_with_another_body_is_a_conflict(service: Service) -> None:
    headers = {"Idempotency-Key": "k1"}
    await service.start(ORDER, headers=headers)
    answer = await service.start({**ORDER, "input": {"x": 2}}, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_conflict")


async def test_two_tenants_may_use_one_idempotency_key(service: Service) -> None:
    other = await service.key_of("other")
    await service.publish(adder(), other)
    headers = {"Idempotency-Key": "k1"}

    ours, theirs = await service.start(ORDER, headers=headers), await service.start({**ORDER, "input": {"x": 2}}, other, headers=headers)
    assert (ours.status_code, theirs.status_code) == (202, 202)


async def test_a_run_goes_on_a_thread_that_is_there_and_on_no_other(service: Service) -> None:
    thread = (await service.call("POST", "/v1/threads", json={"name": "mine"})).json()["id"]
    stranger = (await service.call("POST", "/v1/threads", await service.key_of("other"), json={})).json()["id"]

    assert (await service.start({**ORDER, "thread_id": thread})).json()["thread_id"] == thread
    for missing in (stranger, "018f0000-0000-7000-8000-000000000000", "nonsense"):
        answer = await service.start({**ORDER, "thread_id": missing})
        assert (answer.status_code, answer.json()["code"]) == (404, "thread_not_found")


async def test_waiting_answers_200_with_the_end(service: Service) -> None:
    waiting = asyncio.create_task(service.start(ORDER, params={"wait": 30}))
    while not (await service.store.queue.depth()).waiting:
        await service.store.queue.woken(1)
    worker = await service.worker()
    await worker.begin()
    await worker.end({"x": 2})

    answer = await waiting
    assert (answer.status_code, answer.json()["status"], answer.json()["output"]) == (200, "completed", {"x": 2})
    assert answer.headers["location"] == f"/v1/runs/{answer.json()['id']}"


async def test_waiting_in_vain_answers_202(service: Service) -> None:
    answer = await service.start(ORDER, params={"wait": 0.02})

    assert (answer.status_code, answer.json()["status"]) == (202, "queued")


async def test_a_failed_run_says_what_failed_and_where(service: Service) -> None:
    run = (await service.start(ORDER)).json()["id"]
    worker = await service.worker()
    await worker.begin()
    await worker.step(1)
    await worker.end(failure=Failure("node_failed", "no", "add", 3))

    view = (await service.call("GET", f"/v1/runs/{run}")).json()
    assert view["error"] == {"code": "node_failed", "message": "no", "node": "add", "attempt": 3}
    assert [(visit["path"], visit["node"], visit["status"]) for visit in view["activations"]] == [("/work#1", "work", "finished")]


async def test_a_run_of_many_visits_shows_the_newest_200_and_counts_all(service: Service) -> None:
    run = (await service.start(ORDER)).json()["id"]
    worker = await service.worker()
    for number in range(1300):
        await worker.step(number)

    view = (await service.call("GET", f"/v1/runs/{run}")).json()
    assert (len(view["activations"]), view["activations_total"], view["activations"][-1]["path"]) == (200, 1300, "/work#1299")


async def test_cancelling_is_asked_for_once_however_often(service: Service) -> None:
    run = (await service.start(ORDER)).json()
    answers = [await service.call("POST", f"/v1/runs/{run['id']}/cancel", json={"reason": "enough"}) for _ in range(3)]

    wishes = await service.store.inbox.waiting([run["thread_id"]])
    assert {answer.status_code for answer in answers} == {202}
    assert [(wish.kind, wish.body) for wish in wishes] == [("cancel", {"by": "configured", "reason": "enough"})]


async def test_cancelling_what_has_ended_answers_with_its_end(service: Service) -> None:
    run = (await service.start(ORDER)).json()
    worker = await service.worker()
    await worker.end({"x": 2})
    answer = await service.call("POST", f"/v1/runs/{run['id']}/cancel")

    assert (answer.status_code, answer.json()["status"]) == (200, "completed")
    assert not await service.store.inbox.waiting([run["thread_id"]])


async def test_pages_hold_every_run_once_newest_first(service: Service) -> None:
    started = [(await service.start(ORDER)).json()["id"] for _ in range(7)]
    seen: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(4):
        page = (await service.call("GET", "/v1/runs", params={"limit": 2, **cursor})).json()
        seen += [run["id"] for run in page["items"]]
        cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else {}

    assert (seen, cursor) == (started[::-1], {})


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        pytest.param({"status": "queued"}, 2, id="by status"),
        pytest.param({"status": "failed"}, 0, id="by a status none has"),
        pytest.param({"workflow": "adder"}, 2, id="by name"),
        pytest.param({"workflow": "adder@2.0.0"}, 1, id="by version"),
        pytest.param({"since": "2020-01-01T00:00:00Z", "until": "2021-01-01T00:00:00Z"}, 0, id="by time"),
        pytest.param({"since": "2020-01-01T00:00:00+02:00"}, 2, id="from a time on"),
        pytest.param({"thread_id": "018f0000-0000-7000-8000-000000000000"}, 0, id="by thread"),
    ],
)
async def test_runs_are_found(service: Service, wanted: dict[str, str], count: int) -> None:
    await service.start(ORDER)
    await service.publish(adder("2.0.0"))
    await service.start(ORDER)

    assert len((await service.call("GET", "/v1/runs", params=wanted)).json()["items"]) == count

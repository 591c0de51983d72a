"""Branches, runs that go on in them, and runs that are run again, with the real engine, worker and database."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.access import Principal, Role
from domain.ids import DEFAULT_TENANT, Position, RunId
from tests.integration.rest.site import Site, open_site
from tests.integration.rest.test_edits import UNKNOWN, a_thread, asking, counted, counting, edit, pointers
from tests.integration.rest.test_with_a_worker import WAIT, graph, writes

ON: dict[str, Any] = {"continue": True}
ME = Principal(DEFAULT_TENANT, Role.OPERATOR, "me")


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with open_site(tmp_path) as opened:
        yield opened


async def ask(site: Site, thread: str, what: str, key: str | None = None, **order: Any) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return await site.call("POST", f"/v1/threads/{thread}/{what}", json=order, headers=headers)


async def branch(site: Site, thread: str, key: str | None = None, **order: Any) -> dict[str, Any]:
    answer = await ask(site, thread, "branches", key, **order)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def again(site: Site, thread: str, key: str | None = None, **order: Any) -> dict[str, Any]:
    answer = await ask(site, thread, "runs", key, **order)
    assert answer.status_code == 202, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def settled(site: Site, run: str) -> dict[str, Any]:
    view, is_settled = await site.weft.desk.wait_for_run(ME, run, WAIT)
    assert is_settled, view
    return view.model_dump(mode="json")


async def values(site: Site, thread: str, at: int | None = None) -> dict[str, Any]:
    answer = await site.call("GET", f"/v1/threads/{thread}/state" + ("" if at is None else f"?at={at}"))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["values"]
    return found


async def kinds(site: Site, run: str) -> list[str]:
    store = site.weft.shared.store()
    found = await store.runs.get(DEFAULT_TENANT, RunId(run))
    return [row.kind for row in await store.journal.read(DEFAULT_TENANT, found.thread, Position(0), 1000, found.id)]


async def listed(site: Site, path: str) -> list[str]:
    answer = await site.call("GET", path)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


async def a_parked_run(site: Site, **given: Any) -> dict[str, Any]:
    """It waits for the signal `go`."""
    await site.publish(asking())
    run = await site.start("asking", wait=WAIT, input={"x": 4, **given})
    assert run["status"] == "parked", run
    return run


async def go(site: Site, run: str) -> dict[str, Any]:
    assert (await site.call("POST", f"/v1/runs/{run}/signals/go", json={})).status_code < 300
    async for _ in await site.weft.desk.follow_run(ME, run):
        pass
    return await site.run(run)


async def test_a_branch_holds_what_its_parent_held_there_and_goes_its_own_way(site: Site) -> None:
    await site.publish(counting())
    thread = await a_thread(site)
    async with site.working():
        await counted(site, thread)
        made = await branch(site, thread, at=2, name="what if", labels={"try": 1})
        before = await values(site, thread)
        await site.start("counting", wait=WAIT, thread_id=made["id"])

    assert {**made, "id": "", "created_at": ""} == {
        "id": "",
        "type": "branch",
        "state": "pending",
        "parent_id": thread,
        "parent_position": 2,
        "session_id": None,
        "priority": None,
        "on_failure": None,
        "name": "what if",
        "description": None,
        "labels": {"try": 1},
        "created_at": "",
        "run_id": None,
    }
    assert (await values(site, made["id"]))["x"] == 3
    assert await values(site, thread) == before
    assert await listed(site, f"/v1/threads/{thread}/branches") == [made["id"]]
    assert await listed(site, f"/v1/threads?parent_id={thread}&state=completed") == [made["id"]]


async def test_a_branch_without_a_position_leaves_where_the_thread_ends(site: Site) -> None:
    thread = await a_thread(site)
    await edit(site, thread, values={"x": 1})

    made = await branch(site, thread)

    assert (made["parent_position"], await values(site, made["id"])) == (1, {"x": 1})


async def test_a_branch_asked_for_again_under_its_key_is_the_same_also_when_the_thread_has_gone_on(site: Site) -> None:
    thread = await a_thread(site)
    await edit(site, thread, values={"x": 1})
    first = await branch(site, thread, "mine", name="a")
    await edit(site, thread, values={"x": 2})

    assert await branch(site, thread, "mine", name="a") == first
    assert (await ask(site, thread, "branches", "mine", name="b")).status_code == 409
    assert await listed(site, f"/v1/threads/{thread}/branches") == [first["id"]]


async def test_who_waits_for_a_run_that_is_run_again_hears_what_came_of_it(site: Site) -> None:
    await site.publish(counting())
    thread = await a_thread(site)
    async with site.working():
        await counted(site, thread)
        done = await ask(site, thread, f"runs?wait={WAIT}", at=0, input={"x": 7})
    late = await ask(site, thread, "runs?wait=0.05", at=0, input={"x": 7})

    assert (done.status_code, done.json()["run"]["status"], done.json()["run"]["output"]["x"]) == (200, "completed", 8)
    assert (late.status_code, late.json()["run"]["status"]) == (202, "queued")


@pytest.mark.parametrize(("path", "order"), [("branches", {"at": 2}), ("runs", {"at": 2, "workflow": "counting"})])
async def test_a_position_that_is_not_there_and_a_thread_that_is_not_there_are_404(site: Site, path: str, order: dict[str, Any]) -> None:
    thread = await a_thread(site)
    await edit(site, thread, values={"x": 1})

    assert (await ask(site, thread, path, **order)).json()["code"] == "position_not_found"
    assert (await ask(site, UNKNOWN, path, **order)).json()["code"] == "thread_not_found"
    assert await listed(site, f"/v1/threads/{thread}/branches") == []


async def test_a_run_under_way_goes_on_in_a_branch_while_its_own_still_waits(site: Site) -> None:
    async with site.working():
        parked = await a_parked_run(site)
        made = await branch(site, parked["thread_id"], **ON)
        there = await settled(site, made["run_id"])
        done = await go(site, made["run_id"])
        mine = await site.run(parked["id"])

    assert there["status"] == "parked"
    assert there["continues"] == {"run_id": parked["id"], "position": made["parent_position"]}
    assert (done["status"], done["output"]) == ("completed", {"x": 4, "y": 8})
    assert (done["thread_id"], done["input"]) == (made["id"], {"x": 4})
    assert [kind for kind in await kinds(site, made["run_id"]) if kind != "time_forgiven"] == [
        "run_continued",
        "node_parked",
        "signal_received",
        "node_finished",
        "node_finished",
        "run_ended",
    ]
    assert mine["status"] == "parked", "what goes on in the branch changes nothing here"
    assert (await values(site, parked["thread_id"])) == {"x": 4}


async def test_a_run_that_goes_on_is_started_once_for_one_key(site: Site) -> None:
    async with site.working():
        parked = await a_parked_run(site)
        first = await branch(site, parked["thread_id"], "once", **ON)
        second = await branch(site, parked["thread_id"], "once", **ON)

    assert (second["id"], second["run_id"]) == (first["id"], first["run_id"])
    assert await listed(site, f"/v1/threads/{first['id']}/runs") == [first["run_id"]]


async def test_nothing_goes_on_where_no_run_is_under_way(site: Site) -> None:
    await site.publish(counting())
    thread = await a_thread(site)
    async with site.working():
        await counted(site, thread)

    refused = await ask(site, thread, "branches", **ON)

    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_under_way")
    assert "branch without `continue`" in refused.json()["detail"]
    assert await listed(site, f"/v1/threads/{thread}/branches") == []


async def test_a_branch_of_a_branch_where_a_run_went_on_takes_it_further(site: Site) -> None:
    async with site.working():
        parked = await a_parked_run(site)
        first = await branch(site, parked["thread_id"], **ON)
        await settled(site, first["run_id"])
        second = await branch(site, first["id"], **ON)
        await settled(site, second["run_id"])
        done = [await go(site, run) for run in (second["run_id"], parked["id"], first["run_id"])]

    assert [run["output"] for run in done] == [{"x": 4, "y": 8}] * 3


async def test_a_run_is_run_again_from_a_position_with_other_values(site: Site) -> None:
    await site.publish(counting())
    thread = await a_thread(site)
    async with site.working():
        await counted(site, thread)
        before = await values(site, thread)
        made = await again(site, thread, at=0, edits={"values": {"notes": ["mine"]}, "reason": "what if"})
        done = await settled(site, made["run"]["id"])

    assert done["output"] == {"x": 2, "notes": ["mine", "counted"]}
    assert (made["thread"]["id"], made["thread"]["parent_id"]) == (done["thread_id"], thread)
    history = (await site.call("GET", f"/v1/threads/{made['thread']['id']}/history")).json()["items"]
    assert next((entry["operation"], entry["user_id"]) for entry in history) == ("create", "configured")
    assert await values(site, thread) == before


async def test_a_run_is_run_again_with_another_input_or_by_another_workflow(site: Site) -> None:
    other = graph("other", {"shout": writes("y", "${state.x * 100}")}, "start shout end", state={"x": {"type": "integer"}, "y": {}})
    await site.publish(counting(), other)
    thread = await a_thread(site)
    async with site.working():
        await counted(site, thread)
        by_input = await settled(site, (await again(site, thread, input={"x": 10}))["run"]["id"])
        by_workflow = await settled(site, (await again(site, thread, workflow="other"))["run"]["id"])

    assert by_input["output"] == {"x": 11, "notes": ["counted", "counted"]}
    assert (by_workflow["workflow"], by_workflow["output"]) == ("other@1.0.0", {"x": 2, "y": 200})


async def test_a_run_that_is_run_again_from_within_takes_its_state_and_begins_at_its_beginning(site: Site) -> None:
    async with site.working():
        parked = await a_parked_run(site)
        made = await again(site, parked["thread_id"])
        done = await go(site, made["run"]["id"])

    assert (await kinds(site, made["run"]["id"]))[0] == "run_started"
    assert (done["input"], done["output"]) == ({"x": 4}, {"x": 4, "y": 8})


async def test_what_is_wrong_with_an_order_is_said_before_anything_is_made(site: Site) -> None:
    await site.publish(counting())
    thread = await a_thread(site)
    async with site.working():
        await counted(site, thread)

    wrong = await ask(site, thread, "runs", edits={"values": {"x": "many"}})
    unfit = await ask(site, thread, "runs", input={"x": "many"})
    strange = await ask(site, thread, "runs", thread_id=thread)
    unknown = await ask(site, thread, "runs", workflow="nobody")
    nothing = await ask(site, await a_thread(site), "runs")

    assert pointers(wrong).keys() == {"/edits/values/x"}
    assert pointers(unfit).keys() == {"/input/x"}
    assert pointers(strange) == {"/thread_id": "unknown_field"}
    assert (unknown.status_code, pointers(nothing)) == (404, {"/workflow": "missing"})
    assert await listed(site, f"/v1/threads/{thread}/branches") == []


async def test_another_workflow_that_does_not_take_what_the_thread_holds_is_told_before_anything_is_made(site: Site) -> None:
    text = {"x": {"type": "string", "default": ""}}
    await site.publish(
        counting(), graph("texts", {"set": writes("x", "${state.x + '!'}")}, "start set end", state=text, output={"x": "${state.x}"})
    )
    thread = await a_thread(site)
    async with site.working():
        await counted(site, thread)
        refused = await ask(site, thread, "runs", workflow="texts")
        edited = await settled(site, (await again(site, thread, workflow="texts", edits={"values": {"x": "one"}}))["run"]["id"])

    assert (refused.status_code, refused.json()["code"]) == (409, "thread_error")
    assert "/x that texts@1.0.0 does not take" in refused.json()["detail"]
    assert edited["output"] == {"x": "one!"}
    assert len(await listed(site, f"/v1/threads/{thread}/branches")) == 1


async def test_a_run_again_under_one_key_is_one_run_on_one_branch(site: Site) -> None:
    await site.publish(counting())
    thread = await a_thread(site)
    async with site.working():
        await counted(site, thread)
        order: dict[str, Any] = {"at": 0, "edits": {"values": {"notes": ["mine"]}}}
        first = await again(site, thread, "once", **order)
        await settled(site, first["run"]["id"])
        second = await again(site, thread, "once", **order)

    assert (second["run"]["id"], second["thread"]["id"]) == (first["run"]["id"], first["thread"]["id"])
    assert second["run"]["output"] == {"x": 2, "notes": ["mine", "counted"]}
    assert len(await listed(site, f"/v1/threads/{thread}/branches")) == 1

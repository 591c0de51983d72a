"""Editing, restoring and snapshotting threads over REST, with the real engine, worker and database."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from application.loading import checkpoint_body
from domain.change import Change, Operation
from domain.ids import DEFAULT_TENANT, Position, ThreadId
from domain.ports.journal import Append, Checkpoint
from domain.run.events import StateEdited
from tests.integration.rest.site import Site, open_site
from tests.integration.rest.test_with_a_worker import WAIT, busy, graph, writes

UNKNOWN = "01890000-0000-7000-8000-000000000000"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with open_site(tmp_path) as opened:
        yield opened


def counting() -> dict[str, Any]:
    state = {"x": {"type": "integer", "maximum": 100}, "notes": {"type": "array", "items": {"type": "string"}, "merge": "append"}}
    nodes = {"add": {"kind": "transform", "writes": {"x": "${state.x + 1}", "notes": "counted"}}}
    return graph("counting", nodes, "start add end", state=state)


def asking() -> dict[str, Any]:
    """Waits for a signal, then doubles `x`."""
    state = {"x": {"type": "integer"}, "y": {"type": "integer"}}
    nodes = {"ask": {"kind": "wait", "signal": "go"}, "double": writes("y", "${state.x * 2}")}
    return graph("asking", nodes, "start ask double end", state=state)


async def a_thread(site: Site) -> str:
    made = await site.call("POST", "/v1/threads", json={})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


async def edit(site: Site, thread: str, key: str | None = None, **order: Any) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return await site.call("PATCH", f"/v1/threads/{thread}/state", json=order, headers=headers)


async def post(site: Site, thread: str, path: str, **order: Any) -> httpx.Response:
    return await site.call("POST", f"/v1/threads/{thread}/{path}", json=order)


async def state(site: Site, thread: str) -> dict[str, Any]:
    answer = await site.call("GET", f"/v1/threads/{thread}/state")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def counted(site: Site, thread: str) -> None:
    run = await site.start("counting", wait=WAIT, input={"x": 1}, thread_id=thread)
    assert run["status"] == "completed"


def pointers(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 422, answer.text
    return {problem["pointer"]: problem["code"] for problem in answer.json()["problems"]}


async def test_a_thread_that_no_run_has_seen_takes_any_channel(site: Site) -> None:
    thread = await a_thread(site)
    made = await edit(site, thread, values={"x": 1, "notes": ["a"]}, reason="to begin with")
    changed = await edit(
        site, thread, changes=[{"operation": "create", "path": "/notes/-", "value": "b"}, {"operation": "delete", "path": "/x"}]
    )

    assert (made.status_code, made.json()["position"]) == (200, 1)
    assert changed.json() == {
        "thread_id": thread,
        "position": 2,
        "changes": [
            {"operation": "create", "field_path": "/notes/1", "old_value": None, "new_value": "b"},
            {"operation": "delete", "field_path": "/x", "old_value": 1, "new_value": None},
        ],
    }
    assert (await state(site, thread))["values"] == {"notes": ["a", "b"]}


async def test_the_next_run_starts_from_what_was_edited(site: Site) -> None:
    await site.publish(counting())
    thread = await a_thread(site)
    async with site.working():
        await counted(site, thread)
        await edit(site, thread, values={"x": 41})
        run = await site.start("counting", wait=WAIT, thread_id=thread)

    assert run["output"] == {"x": 42, "notes": ["counted", "counted"]}


async def test_what_a_channel_does_not_take_is_named_and_nothing_is_changed(site: Site) -> None:
    await site.publish(counting())
    thread = await a_thread(site)
    await edit(site, thread, values={"left": "by nobody"})
    async with site.working():
        await counted(site, thread)
    before = await state(site, thread)

    by_values = await edit(site, thread, values={"x": 101, "notes": ["a", 2], "left": "alone"})
    by_changes = await edit(
        site,
        thread,
        changes=[
            {"operation": "update", "path": "/x", "value": 50},
            {"operation": "create", "path": "/notes/-", "value": 3},
            {"operation": "update", "path": "/x", "value": "many"},
            {"operation": "create", "path": "/stranger", "value": 1},
        ],
    )

    assert pointers(by_values).keys() == {"/values/x", "/values/notes/1"}
    assert pointers(by_changes).keys() == {"/changes/2/value", "/changes/1/value", "/changes/3/value"}
    assert pointers(by_changes)["/changes/3/value"] == "unknown_channel"
    assert await state(site, thread) == before


@pytest.mark.parametrize(
    "order",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"values": {"x": 1}, "changes": [{"operation": "delete", "path": "/x"}]}, id="both forms"),
        pytest.param({"changes": []}, id="no change"),
        pytest.param({"changes": [{"operation": "restore", "path": "/x", "value": 1}]}, id="an operation of others"),
        pytest.param({"changes": [{"operation": "update", "path": "/x"}]}, id="an update to nothing"),
        pytest.param({"changes": [{"operation": "delete", "path": "/x", "value": 1}]}, id="a delete with a value"),
        pytest.param({"changes": [{"operation": "delete", "path": "/x"}]}, id="a delete of what is not there"),
        pytest.param({"values": {"x": 1}, "expected_position": -1}, id="a position before the first"),
    ],
)
async def test_an_order_that_makes_no_sense_is_refused(site: Site, order: dict[str, Any]) -> None:
    thread = await a_thread(site)

    assert pointers(await edit(site, thread, **order))
    assert (await state(site, thread))["end"] == 0


async def test_who_expected_another_position_overwrites_nothing(site: Site) -> None:
    thread = await a_thread(site)
    await edit(site, thread, values={"x": 1}, expected_position=0)
    refused = await edit(site, thread, values={"x": 2}, expected_position=0)

    assert (refused.status_code, refused.json()["code"]) == (409, "position_moved")
    assert (await state(site, thread))["values"] == {"x": 1}


async def test_a_key_makes_one_edit_of_many(site: Site) -> None:
    thread = await a_thread(site)
    order = {"changes": [{"operation": "create", "path": "/notes", "value": []}]}
    answers = await asyncio.gather(*(edit(site, thread, "k1", **order) for _ in range(5)))
    await edit(site, thread, values={"x": 1})
    late = await edit(site, thread, "k1", **order)
    other = await edit(site, thread, "k1", values={"x": 2})

    assert {(answer.status_code, answer.text) for answer in [*answers, late]} == {(200, answers[0].text)}
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")
    assert (await state(site, thread))["end"] == 2


async def test_an_edit_that_changes_nothing_leaves_no_row(site: Site) -> None:
    thread = await a_thread(site)
    await edit(site, thread, values={"x": 1})
    same = await edit(site, thread, values={"x": 1})

    assert (same.json()["position"], same.json()["changes"]) == (1, [])


async def test_a_parked_run_goes_on_with_what_was_edited(site: Site) -> None:
    await site.publish(asking())
    thread = await a_thread(site)
    async with site.working():
        run = await site.start("asking", wait=WAIT, input={"x": 1}, thread_id=thread)
        edited = await edit(site, thread, values={"x": 21})
        bad = await edit(site, thread, values={"x": "many"})
        await site.call("POST", f"/v1/runs/{run['id']}/signals/go", json={})
        async with asyncio.timeout(WAIT):
            while (ended := await site.run(run["id"]))["ended_at"] is None:
                pass

    assert (edited.status_code, bad.status_code) == (200, 422)
    assert ended["output"] == {"x": 21, "y": 42}
    history = (await site.call("GET", f"/v1/threads/{thread}/history")).json()["items"]
    assert [(entry["user_id"], entry["run"]) for entry in history if entry["user_id"]] == [("configured", run["id"])]


async def test_while_something_runs_nothing_can_be_edited(site: Site) -> None:
    await site.publish(busy())
    thread = await a_thread(site)
    before = await edit(site, thread, "k1", values={"y": 1})
    async with site.working():
        run = await site.start("busy", thread_id=thread)
        async with asyncio.timeout(WAIT):
            while (await site.run(run["id"]))["status"] != "running":
                pass
        refused = [await edit(site, thread, values={"x": 1}), await post(site, thread, "restore", at=0)]
        taken = await post(site, thread, "snapshots", name="meanwhile")
        again = await edit(site, thread, "k1", values={"y": 1})

    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [(409, "thread_busy")] * 2
    assert all(run["id"] in answer.json()["detail"] for answer in refused)
    assert taken.status_code == 201
    assert (again.status_code, again.json()) == (200, before.json())


async def test_a_restore_goes_back_and_can_be_undone(site: Site) -> None:
    await site.publish(counting())
    thread = await a_thread(site)
    await edit(site, thread, values={"x": 7, "left": 1})
    async with site.working():
        await counted(site, thread)
    before = await state(site, thread)

    back = await post(site, thread, "restore", at=1, reason="it was better")
    held = await state(site, thread)
    undone = await post(site, thread, "restore", at=back.json()["position"] - 1)

    assert (back.status_code, held["values"]) == (200, {"x": 7, "left": 1})
    assert {(change["operation"], change["field_path"]) for change in back.json()["changes"]} == {("update", "/x"), ("delete", "/notes")}
    assert undone.json()["position"] == back.json()["position"] + 1
    assert (await state(site, thread))["values"] == before["values"]
    history = (await site.call("GET", f"/v1/threads/{thread}/history?operation=restore")).json()["items"]
    assert len(history) == 2


async def test_a_restore_must_lead_to_what_was_and_fit_the_run_that_is_parked(site: Site) -> None:
    await site.publish(asking())
    thread = await a_thread(site)
    await edit(site, thread, values={"x": "many"})
    await edit(site, thread, values={"x": 1})
    async with site.working():
        await site.start("asking", wait=WAIT, thread_id=thread)
    beyond, unfit, fit = [await post(site, thread, "restore", at=at) for at in (999, 1, 2)]

    assert (beyond.status_code, beyond.json()["code"]) == (404, "position_not_found")
    assert pointers(unfit).keys() == {"/at"}
    assert fit.status_code == 200
    assert (await post(site, UNKNOWN, "restore", at=0)).status_code == 404


async def test_what_a_parked_run_takes_for_granted_cannot_be_taken_away(site: Site) -> None:
    document = asking()
    document["state"]["x"]["default"] = 5
    await site.publish(document)
    thread = await a_thread(site)
    async with site.working():
        run = await site.start("asking", wait=WAIT, thread_id=thread, input={"y": 1})
        taken = await edit(site, thread, changes=[{"operation": "delete", "path": "/y"}, {"operation": "delete", "path": "/x"}])
        back = await post(site, thread, "restore", at=0)
        optional = await edit(site, thread, changes=[{"operation": "delete", "path": "/y"}])
        await site.call("POST", f"/v1/runs/{run['id']}/signals/go", json={})
        async with asyncio.timeout(WAIT):
            while (ended := await site.run(run["id"]))["ended_at"] is None:
                pass

    assert pointers(taken) == {"/changes/1/path": "required"}
    assert pointers(back) == {"/at": "required"}
    assert optional.status_code == 200
    assert (ended["status"], ended["output"]["y"]) == ("completed", 10)


async def test_a_snapshot_is_kept_found_restored_and_removed(site: Site) -> None:
    thread = await a_thread(site)
    await edit(site, thread, values={"x": 1})
    await edit(site, thread, values={"x": 2})
    taken = (await post(site, thread, "snapshots", name="first", tags=["good"], description="as it was", at=1)).json()
    other = (await post(site, thread, "snapshots", name="second", expires_in_seconds=3600.0)).json()
    path = f"/v1/threads/{thread}/snapshots"

    assert (taken["position"], taken["values"], taken["type"], taken["by"]) == (1, {"x": 1}, "manual", "configured")
    assert taken["size_bytes"] == len('{"x":1}')
    listed = (await site.call("GET", path)).json()["items"]
    assert [one["id"] for one in listed] == [other["id"], taken["id"]]
    assert "values" not in listed[0]
    assert [one["name"] for one in (await site.call("GET", f"{path}?tag=good&type=manual")).json()["items"]] == ["first"]
    assert (await site.call("GET", f"{path}/{taken['id']}")).json() == taken
    restored = await post(site, thread, f"snapshots/{taken['id']}/restore")
    assert (restored.json()["position"], (await state(site, thread))["values"]) == (3, {"x": 1})
    assert (await site.call("DELETE", f"{path}/{taken['id']}")).status_code == 204
    assert (await site.call("GET", f"{path}/{taken['id']}")).json()["code"] == "snapshot_not_found"


async def test_a_snapshot_comes_back_as_a_branch_that_leaves_its_thread_alone(site: Site) -> None:
    thread = await a_thread(site)
    await edit(site, thread, values={"x": 1})
    taken = (await post(site, thread, "snapshots", name="first")).json()
    await edit(site, thread, values={"x": 2})
    path, headers = f"/v1/threads/{thread}/snapshots/{taken['id']}/branch", {"Idempotency-Key": "b1"}
    made, again = [await site.call("POST", path, json={"labels": {"a": 1}}, headers=headers) for _ in range(2)]
    branch = made.json()
    await edit(site, branch["id"], values={"y": 3})

    assert (made.status_code, made.json(), made.headers["Location"]) == (201, again.json(), f"/v1/threads/{branch['id']}")
    assert (branch["type"], branch["name"], branch["labels"]) == ("branch", "first", {"a": 1})
    assert ((await state(site, branch["id"]))["values"], (await state(site, branch["id"]))["end"]) == ({"x": 1, "y": 3}, 2)
    assert (await state(site, thread))["values"] == {"x": 2}


async def test_a_snapshot_outlives_the_rows_that_retention_has_removed(site: Site) -> None:
    thread, store = await a_thread(site), site.weft.shared.store()
    await edit(site, thread, values={"x": 1})
    taken = (await post(site, thread, "snapshots", name="old")).json()
    await edit(site, thread, values={"x": 2})
    hold = await store.holds.hold(DEFAULT_TENANT, ThreadId(thread))
    change = StateEdited((Change(Operation.UPDATE, "/x", 2, 3),), "ann")
    checkpoint = Checkpoint(Position(3), checkpoint_body({"x": 3}, None))
    await store.journal.append(Append(hold.lease, hold.position, [change], checkpoint=checkpoint))
    assert await store.retention.forget_rows(datetime.now(UTC) + timedelta(hours=1), 100) == 2

    gone = await post(site, thread, "restore", at=1)
    branch = (await post(site, thread, f"snapshots/{taken['id']}/branch")).json()
    back = await post(site, thread, f"snapshots/{taken['id']}/restore")

    assert (gone.status_code, gone.json()["code"]) == (410, "position_gone")
    assert back.status_code == 200
    assert (await state(site, thread))["values"] == (await state(site, branch["id"]))["values"] == {"x": 1}


async def test_one_that_has_expired_is_gone(site: Site) -> None:
    thread = await a_thread(site)
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    assert pointers(await post(site, thread, "snapshots", name="late", expires_at=past)) == {"/expires_at": "in_the_past"}
    assert pointers(await post(site, thread, "snapshots", name="late", expires_at=4_000_000_000)) == {"/expires_at": "value_error"}
    taken = (await post(site, thread, "snapshots", name="short", expires_in_seconds=0.01)).json()
    path = f"/v1/threads/{thread}/snapshots"
    async with asyncio.timeout(WAIT):
        while (await site.call("GET", f"{path}/{taken['id']}")).status_code == 200:
            pass

    answer = await post(site, thread, f"snapshots/{taken['id']}/restore")
    assert (answer.status_code, answer.json()["code"]) == (410, "snapshot_expired")
    assert (await site.call("GET", path)).json()["items"] == []
    assert (await post(site, thread, f"snapshots/{UNKNOWN}/restore")).status_code == 404


async def test_a_key_takes_one_snapshot(site: Site) -> None:
    thread = await a_thread(site)
    path, headers = f"/v1/threads/{thread}/snapshots", {"Idempotency-Key": "s1"}
    answers = [await site.call("POST", path, json={"name": "a"}, headers=headers) for _ in range(2)]

    assert answers[0].json() == answers[1].json()
    assert len((await site.call("GET", path)).json()["items"]) == 1


def troubled() -> dict[str, Any]:
    """Computes, calls a tool, computes, and fails."""
    nodes = {
        "one": writes("x", "${state.x + 1}"),
        "call": {"kind": "tool", "tool": "calculator", "arguments": {"expression": "2 + 3"}, "writes": {"y": "${output}"}},
        "two": writes("x", "${state.x + 10}"),
        "bad": writes("x", "${state.x / 0}"),
    }
    return graph("troubled", nodes, "start one call two bad end", state={"x": {"type": "integer"}, "y": {}})


async def test_a_run_takes_the_snapshots_that_were_asked_for_each_of_its_position(site: Site) -> None:
    await site.publish(troubled())
    thread = await a_thread(site)
    asked = {"automatic_every": 2, "at": ["before_tool", "after_node", "error"], "expires_in_seconds": 3600.0}
    async with site.working():
        run = await site.start("troubled", wait=WAIT, input={"x": 1}, thread_id=thread, snapshots=asked)
    assert run["status"] == "failed"
    path = f"/v1/threads/{thread}/snapshots"
    taken = (await site.call("GET", path)).json()["items"]
    whole = [(await site.call("GET", f"{path}/{one['id']}")).json() for one in taken]

    told = sorted((one["position"], one["type"], one["name"]) for one in whole)
    end = (await state(site, thread))["end"]
    assert told == [
        (2, "after_node", "after /one#1"),
        (2, "automatic", "after row 2"),
        (2, "before_tool", "before /call#1"),
        (3, "after_node", "after /call#1"),
        (4, "after_node", "after /two#1"),
        (4, "automatic", "after row 4"),
        (5, "error", "/bad#1 failed"),
        (6, "automatic", "after row 6"),
        (6, "error", "the run failed"),
    ]
    assert end == 6
    for one in whole:
        then = (await site.call("GET", f"/v1/threads/{thread}/state?at={one['position']}")).json()
        assert one["values"] == then["values"]
        assert (one["by"], one["tags"], one["expires_at"] > one["created_at"]) == (f"run:{run['id']}", [f"run:{run['id']}"], True)


async def test_a_list_says_when_and_a_run_that_asks_for_nothing_takes_nothing(site: Site) -> None:
    await site.publish(counting())
    thread = await a_thread(site)
    path = f"/v1/threads/{thread}/snapshots"
    async with site.working():
        await counted(site, thread)
        assert (await site.call("GET", path)).json()["items"] == []
        await site.start("counting", wait=WAIT, thread_id=thread, snapshots=["after_node"])

    assert [one["type"] for one in (await site.call("GET", path)).json()["items"]] == ["after_node"]
    bad = await site.call("POST", "/v1/runs", json={"workflow": "counting", "snapshots": ["manual"]})
    assert bad.status_code == 422

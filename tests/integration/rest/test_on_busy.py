"""Starts on a thread that is busy, with the real engine, worker and database."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from domain.ids import RunId, ThreadId
from domain.ports.inbox import UNDO
from tests.integration.rest.site import Site, open_site
from tests.integration.rest.test_branches import kinds, settled, values
from tests.integration.rest.test_edits import a_thread, edit
from tests.integration.rest.test_with_a_worker import WAIT, graph, writes


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with open_site(tmp_path) as opened:
        yield opened


def marking(name: str = "marking", value: str = "mark") -> dict[str, Any]:
    """Writes a note, waits for a signal, writes another."""
    state = {"notes": {"type": "array", "merge": "append", "default": []}}
    nodes = {"first": writes("notes", f"{value} 1"), "ask": {"kind": "wait", "signal": "go"}, "second": writes("notes", f"{value} 2")}
    return graph(name, nodes, "start first ask second end", state=state)


def quick() -> dict[str, Any]:
    return graph("quick", {"note": writes("notes", "quick")}, "start note end", state={"notes": {"type": "array", "merge": "append"}})


async def start(site: Site, thread: str, workflow: str, on_busy: str, key: str = "") -> dict[str, Any]:
    headers = {"Idempotency-Key": key} if key else {}
    order = {"workflow": workflow, "thread_id": thread, "on_busy": on_busy}
    answer = await site.call("POST", "/v1/runs", json=order, headers=headers)
    assert answer.status_code == 202, answer.text
    run: dict[str, Any] = answer.json()
    return run


async def a_busy_thread(site: Site) -> tuple[str, dict[str, Any]]:
    """It held a note before its run began, which has written another and waits."""
    await site.publish(marking(), quick())
    thread = await a_thread(site)
    await edit(site, thread, values={"notes": ["before"]})
    return thread, await site.start("marking", wait=WAIT, thread_id=thread)


async def test_reject_names_the_unfinished_run_and_starts_nothing(site: Site) -> None:
    async with site.working():
        thread, busy = await a_busy_thread(site)
        refused = await site.call("POST", "/v1/runs", json={"workflow": "quick", "thread_id": thread, "on_busy": "reject"})

    assert (refused.status_code, refused.json()["code"]) == (409, "thread_busy")
    assert busy["id"] in refused.json()["detail"]
    assert len((await site.call("GET", f"/v1/threads/{thread}/runs")).json()["items"]) == 1


async def test_of_fifty_starts_at_once_with_reject_one_run_comes(site: Site) -> None:
    await site.publish(quick())
    thread = await a_thread(site)
    order = {"workflow": "quick", "thread_id": thread, "on_busy": "reject"}

    answers = await asyncio.gather(*(site.call("POST", "/v1/runs", json=order) for _ in range(50)))

    assert Counter(answer.status_code for answer in answers) == {202: 1, 409: 49}
    assert len((await site.call("GET", f"/v1/threads/{thread}/runs")).json()["items"]) == 1


async def test_interrupt_cancels_what_is_unfinished_and_keeps_what_it_did(site: Site) -> None:
    async with site.working():
        thread, busy = await a_busy_thread(site)
        behind = await site.start("quick", thread_id=thread)
        run = await settled(site, (await start(site, thread, "quick", "interrupt"))["id"])

    assert [(await site.run(other["id"]))["status"] for other in (busy, behind)] == ["cancelled", "cancelled"]
    assert (run["status"], run["on_busy"]) == ("completed", "interrupt")
    assert run["output"] == {"notes": ["before", "mark 1", "quick"]}


async def test_rollback_cancels_what_is_unfinished_and_undoes_what_it_did(site: Site) -> None:
    async with site.working():
        thread, busy = await a_busy_thread(site)
        behind = await site.start("quick", thread_id=thread)
        run = await settled(site, (await start(site, thread, "quick", "rollback"))["id"])

    assert [(await site.run(other["id"]))["status"] for other in (busy, behind)] == ["cancelled", "cancelled"]
    assert (run["status"], run["output"]) == ("completed", {"notes": ["before", "quick"]})
    assert await kinds(site, run["id"]) == ["state_restored", "run_started", "node_finished", "run_ended"]
    history = (await site.call("GET", f"/v1/threads/{thread}/history?operation=restore")).json()["items"]
    assert [entry["user_id"] for entry in history] == ["configured"]


async def test_who_rolls_back_a_rollback_does_not_bring_back_what_it_undid(site: Site) -> None:
    async with site.working():
        thread, _ = await a_busy_thread(site)
        second = await settled(site, (await start(site, thread, "marking", "rollback"))["id"])
        assert second["status"] == "parked"
        third = await settled(site, (await start(site, thread, "quick", "rollback"))["id"])

    assert third["output"] == {"notes": ["before", "quick"]}


@pytest.mark.parametrize("on_busy", ["enqueue", "reject", "interrupt", "rollback"])
async def test_on_an_idle_thread_they_are_all_alike(site: Site, on_busy: str) -> None:
    await site.publish(quick())
    thread = await a_thread(site)
    await edit(site, thread, values={"notes": ["before"]})
    async with site.working():
        run = await settled(site, (await start(site, thread, "quick", on_busy))["id"])

    assert run["output"] == {"notes": ["before", "quick"]}
    assert await kinds(site, run["id"]) == ["run_started", "node_finished", "run_ended"]


async def test_a_start_that_got_no_further_than_its_place_in_the_line_makes_way_when_it_comes_again(site: Site) -> None:
    store = site.weft.shared.store()
    async with site.working():
        thread, busy = await a_busy_thread(site)
    run = await start(site, thread, "quick", "rollback", "mine")
    for wish in await store.inbox.waiting([ThreadId(thread)]):  # as if the process had died before it asked for anything
        _forget(site, wish.number)
    assert not await store.inbox.waiting([ThreadId(thread)])

    again = await start(site, thread, "quick", "rollback", "mine")
    await start(site, thread, "quick", "rollback", "mine")
    wishes = await store.inbox.waiting([ThreadId(thread)])

    assert again["id"] == run["id"]
    assert sorted((wish.kind, wish.run) for wish in wishes) == [("cancel", RunId(busy["id"])), (UNDO, RunId(run["id"]))]


def _forget(site: Site, number: int) -> None:
    with closing(sqlite3.connect(site.weft.settings.database_url.removeprefix("sqlite:///"))) as connection, connection:
        connection.execute("DELETE FROM inbox WHERE number = ?", (number,))


async def test_a_start_that_makes_way_and_has_begun_leaves_those_behind_it_alone(site: Site) -> None:
    async with site.working():
        thread, _ = await a_busy_thread(site)
        run = await settled(site, (await start(site, thread, "marking", "interrupt", "mine"))["id"])
        behind = await site.start("quick", thread_id=thread)
        again = await start(site, thread, "marking", "interrupt", "mine")

    assert (again["id"], again["status"]) == (run["id"], "parked")
    assert (await site.run(behind["id"]))["status"] == "queued"
    assert await values(site, thread) == {"notes": ["before", "mark 1", "mark 1"]}


async def test_a_threads_priority_is_that_of_runs_that_say_none(site: Site) -> None:
    await site.publish(quick())
    made = (await site.call("POST", "/v1/threads", json={"priority": "high"})).json()

    usual = await site.start("quick", thread_id=made["id"])
    own = await site.start("quick", thread_id=made["id"], priority="low")

    assert (made["priority"], usual["priority"], own["priority"]) == ("high", "high", "low")


async def test_threads_have_parents_and_types_and_are_shown_as_a_tree(site: Site) -> None:
    root = await a_thread(site)

    async def child(status: int = 201, **order: Any) -> Any:
        answer = await site.call("POST", "/v1/threads", json=order)
        assert answer.status_code == status, answer.text
        return answer.json()

    one = await child(parent_id=root)
    two = await child(parent_id=root, thread_type="sequential")
    deep = await child(parent_id=one["id"], thread_type="parallel")

    assert [made["type"] for made in (one, two, deep)] == ["parallel", "sequential", "parallel"]
    tree = (await site.call("GET", f"/v1/threads/{root}/tree")).json()
    assert ([item["id"] for item in tree["items"]], tree["truncated"]) == ([root, one["id"], two["id"], deep["id"]], False)
    found = (await site.call("GET", f"/v1/threads?parent_id={root}&type=sequential&state=pending")).json()["items"]
    assert [item["id"] for item in found] == [two["id"]]
    for wrong in ({"thread_type": "branch", "parent_id": root}, {"thread_type": "main", "parent_id": root}, {"thread_type": "sequential"}):
        assert (await child(422, **wrong))["problems"][0]["pointer"] == "/thread_type"
    assert (await child(404, parent_id="nobody"))["code"] == "thread_not_found"
    assert (await site.call("GET", "/v1/threads?state=pending")).status_code == 422


async def test_runs_of_sequential_siblings_wait_for_each_other(site: Site) -> None:
    await site.publish(marking(), quick())
    root = await a_thread(site)
    elder, younger = [
        (await site.call("POST", "/v1/threads", json={"parent_id": root, "thread_type": "sequential"})).json()["id"] for _ in range(2)
    ]
    async with site.working():
        first = await site.start("marking", wait=WAIT, thread_id=elder)
        second = await site.start("quick", thread_id=younger)
        assert (first["status"], (await site.run(second["id"]))["status"]) == ("parked", "queued")
        await site.call("POST", f"/v1/runs/{first['id']}/signals/go", json={})
        done = await settled(site, second["id"])

    assert done["status"] == "completed"
    assert (await site.run(first["id"]))["status"] == "completed"

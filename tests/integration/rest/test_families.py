"""Threads below a thread: what becomes of the others when one fails, and what all of them came to."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from application.taking_along import TakeAlong
from domain.run.run import Run
from tests.integration.rest.site import Site, open_site
from tests.integration.rest.test_answering import ended
from tests.integration.rest.test_edits import a_thread
from tests.integration.rest.test_with_a_worker import WAIT, graph, writes

STATE = {"x": {"type": "integer", "default": 1}}


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with open_site(tmp_path) as opened:
        await opened.publish(
            graph("failing", {"ask": {"kind": "wait", "signal": "go"}, "bad": writes("x", "${1 / 0}")}, "start ask bad end", state=STATE),
            graph("waiting", {"ask": {"kind": "wait", "signal": "go"}}, "start ask end", state=STATE, output={"x": "${state.x}"}),
            graph("quick", {"set": writes("x", "${2}")}, "start set end", state=STATE, output={"x": "${state.x}"}),
        )
        yield opened


async def a_child(site: Site, parent: str, status: int = 201, **order: Any) -> Any:
    answer = await site.call("POST", "/v1/threads", json={"parent_id": parent, **order})
    assert answer.status_code == status, answer.text
    return answer.json()


async def go(site: Site, run: dict[str, Any]) -> None:
    await site.call("POST", f"/v1/runs/{run['id']}/signals/go", json={})


async def joined(site: Site, parent: str, wait: float = 0) -> Any:
    answer = await site.call("GET", f"/v1/threads/{parent}/children?wait={wait}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def three(site: Site, parent: str, on_failure: str) -> list[dict[str, Any]]:
    """Children side by side, each at its question: one will fail, two would not."""
    runs = []
    for workflow in ("failing", "waiting", "waiting"):
        child = await a_child(site, parent, name=workflow, on_failure=on_failure)
        runs.append(await site.start(workflow, wait=WAIT, thread_id=child["id"]))
    return runs


async def test_with_collect_the_others_go_on_when_one_fails(site: Site) -> None:
    parent = await a_thread(site)
    async with site.working():
        bad, *others = await three(site, parent, "collect")
        await go(site, bad)
        assert (await ended(site, bad))["status"] == "failed"
        assert [(await site.run(run["id"]))["status"] for run in others] == ["parked", "parked"]
        for run in others:
            await go(site, run)
            await ended(site, run)
        found = await joined(site, parent)

    assert (found["state"], found["truncated"]) == ("failed", False)
    assert [item["state"] for item in found["items"]] == ["failed", "completed", "completed"]
    assert [item["output"] for item in found["items"]] == [None, {"x": 1}, {"x": 1}]
    assert found["items"][0]["error"]["node"] == "bad"


async def test_with_fail_fast_what_the_others_have_unfinished_is_cancelled(site: Site) -> None:
    parent = await a_thread(site)
    async with site.working():
        bad, *others = await three(site, parent, "fail_fast")
        behind = await site.start("quick", thread_id=others[0]["thread_id"])
        await go(site, bad)
        over = [await ended(site, run) for run in (bad, *others, behind)]
        found = await joined(site, parent, wait=WAIT)

    assert [run["status"] for run in over] == ["failed", "cancelled", "cancelled", "cancelled"]
    assert found["state"] == "failed"
    rows = (await site.call("GET", f"/v1/runs/{others[0]['id']}/events?format=json")).json()["items"]
    (wish,) = [row for row in rows if row["type"] == "cancel_requested"]
    assert bad["id"] in str(wish)


async def test_siblings_are_cancelled_before_the_last_row_so_that_no_crash_forgets_it_and_once_more_after_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    was_final: list[bool] = []
    takes = TakeAlong.__call__

    async def noted(self: TakeAlong, failed: Run) -> None:
        was_final.append((await self.runs.get(failed.tenant, failed.id)).status.is_final)
        await takes(self, failed)

    monkeypatch.setattr(TakeAlong, "__call__", noted)
    child = await a_child(site, await a_thread(site), on_failure="fail_fast")
    async with site.working():
        bad = await site.start("failing", wait=WAIT, thread_id=child["id"])
        await go(site, bad)
        await ended(site, bad)

    assert was_final == [False, True]


async def test_only_the_parallel_children_of_the_same_thread_are_taken_along(site: Site) -> None:
    parent, elsewhere = await a_thread(site), await a_thread(site)
    bad_one = await a_child(site, parent, on_failure="fail_fast")
    others = [await a_child(site, parent, thread_type="sequential"), await a_child(site, elsewhere), await a_child(site, bad_one["id"])]
    async with site.working():
        bad = await site.start("failing", wait=WAIT, thread_id=bad_one["id"])
        runs = [await site.start("waiting", wait=WAIT, thread_id=thread) for thread in (parent, *(child["id"] for child in others))]
        await go(site, bad)
        assert (await ended(site, bad))["status"] == "failed"
        left = [(await site.run(run["id"]))["status"] for run in runs]

    assert left == ["parked"] * 4


async def test_a_thread_that_takes_nobody_along_only_hears_of_those_that_do(site: Site) -> None:
    parent = await a_thread(site)
    mild, strict = await a_child(site, parent), await a_child(site, parent, on_failure="fail_fast")
    async with site.working():
        bad = await site.start("failing", wait=WAIT, thread_id=mild["id"])
        other = await site.start("waiting", wait=WAIT, thread_id=strict["id"])
        await go(site, bad)
        await ended(site, bad)

        assert (await site.run(other["id"]))["status"] == "parked"
        assert (mild["on_failure"], strict["on_failure"]) == ("collect", "fail_fast")


async def test_a_join_waits_for_all_and_not_for_who_needs_somebody(site: Site) -> None:
    parent = await a_thread(site)
    assert (await joined(site, parent, wait=WAIT))["state"] == "pending"
    first, second = [await a_child(site, parent) for _ in range(2)]
    run = await site.start("quick", thread_id=first["id"])
    joining = asyncio.create_task(joined(site, parent, wait=WAIT))
    async with site.working():
        found = await joining
        assert (found["state"], [item["run_id"] for item in found["items"]]) == ("pending", [run["id"], None])
        assert found["items"][0]["output"] == {"x": 2}
        await site.start("waiting", thread_id=second["id"], wait=WAIT)

        assert (await joined(site, parent, wait=WAIT))["state"] == "paused"


async def test_a_child_has_the_priority_of_its_parent_unless_it_says_one(site: Site) -> None:
    parent = (await site.call("POST", "/v1/threads", json={"priority": "high"})).json()["id"]

    orders: list[dict[str, Any]] = [{}, {"priority": "low"}, {"thread_type": "sequential"}]
    found = [(await a_child(site, parent, **order))["priority"] for order in orders]

    assert found == ["high", "low", "high"]


async def test_only_a_parallel_thread_says_what_its_failure_does(site: Site) -> None:
    parent = await a_thread(site)

    refused = await a_child(site, parent, 422, thread_type="sequential", on_failure="fail_fast")
    alone = await site.call("POST", "/v1/threads", json={"on_failure": "collect"})

    assert [problem["pointer"] for problem in (*refused["problems"], *alone.json()["problems"])] == ["/on_failure", "/on_failure"]
    assert (await joined(site, parent))["items"] == []


async def test_a_branch_is_no_child_that_anybody_waits_for(site: Site) -> None:
    parent = await a_thread(site)
    await site.call("POST", f"/v1/threads/{parent}/branches", json={})

    assert (await joined(site, parent))["items"] == []

"""Who waits for a run that was just answered hears what became of the answer, not what stood there before it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from application.access import LOCAL_ADMIN
from tests.integration.rest.site import Site, open_site
from tests.integration.rest.test_edits import a_thread
from tests.integration.rest.test_with_a_worker import WAIT, graph, writes

STATE = {"x": {"type": "integer", "default": 1}}


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with open_site(tmp_path) as opened:
        nodes = {"ask": {"kind": "wait", "signal": "go"}, "set": writes("x", "${2}")}
        await opened.publish(graph("waiting", nodes, "start ask set end", state=STATE, output={"x": "${state.x}"}))
        yield opened


async def signalled(site: Site, run: dict[str, Any]) -> None:
    assert (await site.call("POST", f"/v1/runs/{run['id']}/signals/go", json={})).status_code == 202


async def test_a_parked_run_has_not_settled_while_a_signal_for_it_is_on_its_way(site: Site) -> None:
    async with site.working():
        run = await site.start("waiting", wait=WAIT)
    _, before = await site.weft.desk.wait_for_run(LOCAL_ADMIN, run["id"], 0.01)
    await signalled(site, run)
    view, after = await site.weft.desk.wait_for_run(LOCAL_ADMIN, run["id"], 0.01)

    assert (view.status, before, after) == ("parked", True, False)


async def test_who_waits_right_after_a_signal_hears_what_came_of_it(site: Site) -> None:
    async with site.working():
        run = await site.start("waiting", wait=WAIT)
        await signalled(site, run)
        view, has_settled = await site.weft.desk.wait_for_run(LOCAL_ADMIN, run["id"], WAIT)

    assert (view.status, view.output, has_settled) == ("completed", {"x": 2}, True)


async def test_a_signal_that_nothing_in_the_run_waits_for_leaves_it_settled_again(site: Site) -> None:
    async with site.working():
        run = await site.start("waiting", wait=WAIT)
        await site.call("POST", f"/v1/runs/{run['id']}/signals/other", json={})
        view, has_settled = await site.weft.desk.wait_for_run(LOCAL_ADMIN, run["id"], WAIT)

    assert (view.status, has_settled) == ("parked", True)


async def test_a_join_waits_for_a_child_that_was_just_sent_its_signal(site: Site) -> None:
    parent = await a_thread(site)
    child = (await site.call("POST", "/v1/threads", json={"parent_id": parent})).json()["id"]
    async with site.working():
        run = await site.start("waiting", wait=WAIT, thread_id=child)
        await signalled(site, run)
        found = (await site.call("GET", f"/v1/threads/{parent}/children?wait={WAIT}")).json()

    assert (found["state"], found["items"][0]["output"]) == ("completed", {"x": 2})

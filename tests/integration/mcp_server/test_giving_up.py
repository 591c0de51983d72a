"""Who gives a call up gives up the run that it started, and nothing else."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from application.access import local_admin
from application.runs import StartedRun, StartRun
from domain.ids import RunId
from interface.mcp.calls import Call, Calls
from interface.mcp.watching import Watch
from tests.integration.mcp_server.host import WAITING, open_host


@pytest.mark.parametrize(
    ("call", "is_stopping", "given_up"),
    [
        pytest.param(Call(dies_with_caller=True), False, True, id="its own run"),
        pytest.param(Call(dies_with_caller=True, key="once"), False, False, id="not one of an earlier call"),
        pytest.param(Call(dies_with_caller=True), True, False, id="not when it is the server that goes"),
        pytest.param(Call(), False, False, id="not when a lost connection is no word of the caller"),
    ],
)
async def test_given_up(tmp_path: Path, call: Call, is_stopping: bool, given_up: bool) -> None:
    async with open_host(tmp_path, has_worker=False) as host:
        await host.publish(WAITING)
        desk, who = host.weft.desk, local_admin("default")
        stopping = asyncio.Event()
        calls = Calls(desk, who, Watch(desk, who, stopping), 20)
        if call.key:
            await calls("start_run", {"workflow": "waiting"}, call)
        calling = asyncio.create_task(calls("run_waiting", {}, call))
        run = await host.run(await host.the_run())
        async with asyncio.timeout(20):
            while not host.weft.parts.feed.wanted(RunId(run.id)):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0)
        if is_stopping:
            stopping.set()
        calling.cancel()
        await asyncio.gather(calling, return_exceptions=True)

        wishes = await host.weft.parts.store.inbox.waiting([run.thread_id])

    assert [wish.kind for wish in wishes] == (["cancel"] if given_up else [])


async def test_a_call_that_is_given_up_while_its_run_starts_leaves_none_behind(tmp_path: Path) -> None:
    async with open_host(tmp_path, has_worker=False) as host:
        await host.publish(WAITING)
        who, stored, go_on = local_admin("default"), asyncio.Event(), asyncio.Event()

        async def slowly(*given: Any) -> StartedRun:
            started = await host.weft.desk.start_run(*given)
            stored.set()
            await go_on.wait()
            return started

        desk = replace(host.weft.desk, start_run=cast("StartRun", slowly))
        calling = asyncio.create_task(
            Calls(desk, who, Watch(desk, who, asyncio.Event()), 20)("run_waiting", {}, Call(dies_with_caller=True))
        )
        await stored.wait()
        calling.cancel()
        await asyncio.sleep(0)
        go_on.set()
        await asyncio.gather(calling, return_exceptions=True)

        run = await host.run(await host.the_run())
        wishes = await host.weft.parts.store.inbox.waiting([run.thread_id])

    assert [wish.kind for wish in wishes] == ["cancel"]

"""A client of the protocol calls workflows and tools of a service."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from mcp import MCPError

from application.access import Role
from tests.integration.mcp_server.host import ASKING, FAILING, STEADY, STEPS, WAITING, Host, open_host

ONCE: Any = {"idempotency_key": "once"}
STRANGE: Any = {"idempotency_key": "two words"}


def text_of(result: Any) -> str:
    return str(result.content[0].text)


async def test_every_published_workflow_and_every_tool_is_listed_with_what_it_takes(host: Host) -> None:
    await host.publish(STEADY, FAILING)
    async with host.client() as client:
        listed = {tool.name: tool for tool in (await client.list_tools()).tools}

    assert {"run_steady", "run_failing", "calculator", "start_run", "get_run", "answer_run", "cancel_run"} <= set(listed)
    steady = listed["run_steady"]
    assert steady.input_schema == STEADY["input"]
    assert (steady.description or "").startswith("Says three things.")
    assert (steady.meta or {})["workflow"] == "steady@1.0.0"
    assert (listed["calculator"].annotations or pytest.fail("no hints")).read_only_hint


async def test_a_workflow_is_called_like_a_function_and_tells_of_each_node(host: Host, era: str) -> None:
    await host.publish(STEADY)
    told: list[tuple[float, str | None]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, message))

    async with host.client(era) as client:
        result = await client.call_tool("run_steady", {"said": "zero "}, progress_callback=hear)

    assert (result.is_error, result.structured_content) == (False, {"said": "zero one two three "})
    meta = result.meta or {}
    assert (meta["status"], meta["usage"]["calls"]) == ("completed", 0)
    assert (await host.run(meta["run_id"])).workflow == "steady@1.0.0"
    assert told == [(number, f"/{name}#1 finished") for number, name in enumerate(STEPS, 1)]


async def test_a_run_that_fails_is_an_error_with_its_code_and_its_run(host: Host) -> None:
    await host.publish(FAILING)
    async with host.client() as client:
        result = await client.call_tool("run_failing")

    meta = result.meta or {}
    assert (result.is_error, meta["error"]["code"], meta["status"]) == (True, "terminated", "failed")
    assert text_of(result).splitlines() == [f"terminated: {meta['error']['message']}", f"run: {meta['run_id']}"]


async def test_a_question_is_handed_on_and_its_answer_ends_the_run(host: Host) -> None:
    await host.publish(ASKING)
    async with host.client() as client:
        asked = await client.call_tool("run_asking")
        standing = asked.structured_content
        assert (asked.is_error, standing["status"], standing["waiting_for"][0]["show"]) == (False, "parked", "Shall it go out?")
        assert "answer_run" in standing["next"]

        wrong = await client.call_tool("answer_run", {"run_id": standing["run_id"], "answer": {"ok": "perhaps"}})
        assert (wrong.is_error, [one["path"] for one in (wrong.meta or {})["error"]["problems"]]) == (True, ["/answer/ok"])

        answered = await client.call_tool("answer_run", {"run_id": standing["run_id"], "answer": {"ok": True}})

    assert (answered.structured_content["status"], answered.structured_content["output"]) == ("completed", {"said": {"ok": True}})


async def test_a_call_that_takes_long_is_answered_with_its_run_which_goes_on(tmp_path: Path) -> None:
    async with open_host(tmp_path, mcp_seconds=0.2) as host:
        await host.publish(WAITING)
        async with host.client() as client:
            standing = (await client.call_tool("run_waiting")).structured_content
            assert standing["status"] in ("queued", "running", "parked")
            assert "get_run" in standing["next"]

            seen = (await client.call_tool("get_run", {"run_id": standing["run_id"], "wait_seconds": 0.01})).structured_content
            assert (seen["run_id"], seen["status"] in ("completed", "failed", "cancelled")) == (standing["run_id"], False)

            gone = (await client.call_tool("cancel_run", {"run_id": standing["run_id"]})).structured_content

    assert gone["run_id"] == standing["run_id"]


async def test_a_call_cancelled_by_its_client_cancels_its_run(host: Host, era: str) -> None:
    await host.publish(WAITING)
    async with host.client(era) as client:
        run = await cancelled_in_the_middle(host, client)

        assert (await host.ended(run)).status == "cancelled"
        assert (await client.call_tool("calculator", {"expression": "1+1"})).structured_content["result"] == 2


async def cancelled_in_the_middle(host: Host, client: Any) -> str:
    """The run whose call was given up once it was under way."""
    calling = asyncio.create_task(client.call_tool("run_waiting"))
    run = await host.the_run()
    calling.cancel()
    await asyncio.gather(calling, return_exceptions=True)
    return run


async def test_a_run_started_without_waiting_outlives_its_client(host: Host) -> None:
    await host.publish(STEADY)
    async with host.client() as client:
        started = await client.call_tool("start_run", {"workflow": "steady", "input": {"said": ""}})

    assert (await host.ended(started.structured_content["run_id"])).output == {"said": "one two three "}


async def test_the_same_key_is_the_same_run(host: Host) -> None:
    await host.publish(STEADY)
    async with host.client() as client:
        answers = [await client.call_tool("run_steady", {"said": ""}, meta=ONCE) for _ in range(2)]
        other = await client.call_tool("run_steady", {"said": "x"}, meta=ONCE)

        strange = await client.call_tool("run_steady", {"said": ""}, meta=STRANGE)

    assert len({(answer.meta or {})["run_id"] for answer in answers}) == 1
    assert (strange.meta or {})["error"]["problems"][0]["path"] == "/_meta/idempotency_key"
    assert (other.meta or {})["error"]["code"] == "idempotency_conflict"


async def test_arguments_that_do_not_fit_are_listed_with_their_paths(host: Host) -> None:
    await host.publish(STEADY)
    async with host.client() as client:
        result = await client.call_tool("run_steady", {"said": 1, "more": 2})
        nul = await client.call_tool("run_steady", {"said": "a\0b"})

    found = (result.meta or {})["error"]["problems"]
    assert (result.is_error, {one["path"] for one in found}) == (True, {"", "/said"})
    assert (nul.is_error, (nul.meta or {})["error"]["problems"][0]["path"]) == (True, "/said")


async def test_what_is_not_offered_is_an_unknown_tool(host: Host) -> None:
    async with host.client() as client:
        for name in ("run_nothing", "run_", "tool_run_x", "nothing"):
            with pytest.raises(MCPError, match=f"Unknown tool: {name}$"):
                await client.call_tool(name)


async def test_tenants_do_not_see_each_others_workflows_and_runs(host: Host) -> None:
    await host.publish(STEADY, tenant="theirs")
    await host.publish(FAILING)
    key = await host.key_of("theirs")
    async with host.client(key=key) as theirs, host.client() as ours:
        run = (await theirs.call_tool("run_steady", {"said": ""})).meta or {}
        seen = [{tool.name for tool in (await client.list_tools()).tools} & {"run_steady", "run_failing"} for client in (theirs, ours)]
        with pytest.raises(MCPError, match="Unknown tool"):
            await ours.call_tool("run_steady", {"said": ""})
        looked = await ours.call_tool("get_run", {"run_id": run["run_id"]})

    assert seen == [{"run_steady"}, {"run_failing"}]
    assert (looked.meta or {})["error"]["code"] == "run_not_found"


async def test_a_viewer_sees_what_there_is_and_calls_nothing(host: Host) -> None:
    await host.publish(STEADY)
    key = await host.key_of("default", Role.VIEWER)
    async with host.client(key=key) as client:
        assert "run_steady" in {tool.name for tool in (await client.list_tools()).tools}
        for name, arguments in (("run_steady", {"said": ""}), ("calculator", {"expression": "1"}), ("start_run", {"workflow": "steady"})):
            refused = await client.call_tool(name, arguments)
            assert (refused.is_error, (refused.meta or {})["error"]["code"]) == (True, "forbidden"), name


async def test_long_lists_come_in_pages_that_lead_through_all(host: Host) -> None:
    await host.publish(*({**STEADY, "name": f"steady-{number}"} for number in range(105)))
    names: list[str] = []
    async with host.client() as client:
        page = await client.list_tools()
        names += [tool.name for tool in page.tools]
        while page.next_cursor:
            page = await client.list_tools(cursor=page.next_cursor)
            names += [tool.name for tool in page.tools]
        with pytest.raises(MCPError, match="cursor"):
            await client.list_tools(cursor="t!!")

    assert len(names) == len(set(names))
    assert {f"run_steady-{number}" for number in range(105)} | {"calculator"} <= set(names)


async def test_what_a_tool_says_while_it_works_is_told_on(host: Host) -> None:
    told: list[tuple[float, str | None]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, message))

    async with host.client() as client:
        result = await client.call_tool("notify", {"topic": "build", "message": "half of it"}, progress_callback=hear)

    assert not result.is_error
    assert [number for number, _ in told] == [1]
    assert "half of it" in str(told[0][1])

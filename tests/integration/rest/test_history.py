"""The history over REST, of runs that a real worker ran."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from application.access import KeyOrder, Role, local_admin
from bootstrap import open_app
from domain.history import RecordType
from settings import read_settings
from tests.integration.rest.service import CONFIGURED, Service
from tests.integration.rest.site import Site
from tests.integration.store.test_history import a_record

WAIT = 30


@asynccontextmanager
async def site(folder: Path, **settings: Any) -> AsyncIterator[Site]:
    chosen = read_settings(database_url=f"sqlite:///{folder / 'weft.db'}", api_keys=CONFIGURED, metrics=False, **settings)
    async with open_app(chosen) as weft:
        yield Site(weft.rest(asyncio.Event()), weft)


def graph(name: str = "six", inner: str = "", **more: Any) -> dict[str, Any]:
    nodes: dict[str, Any] = {
        "ask": {"kind": "llm", "model": "scripted/echo", "prompt": "Say hello to {{ input.who }}"},
        "add": {"kind": "tool", "tool": "calculator", "arguments": {"expression": "1 + 2"}},
    }
    edges = [{"from": "start", "to": "ask"}, {"from": "ask", "to": "add"}]
    if inner:
        nodes = {"call": {"kind": "workflow", "workflow": inner, "input": {"who": "${input.who}"}}}
        edges = [{"from": "start", "to": "call"}]
    return {"weft": 1, "name": name, "version": "1.0.0", "nodes": nodes, "edges": edges, **more}


def capturing(capture: str) -> dict[str, Any]:
    return {"metadata": {"history": {"capture": capture}}}


async def ran(there: Site, workflow: Any, who: str = "Ann") -> str:
    async with there.working():
        run = await there.start(workflow, wait=WAIT, input={"who": who})
    assert run["status"] == "completed", run
    identity: str = run["id"]
    return identity


async def history(there: Site, query: str = "") -> list[dict[str, Any]]:
    """Once everything noted so far is written."""
    writing = there.weft.shared.history()._task
    if writing is not None:
        await writing
    answer = await there.call("GET", f"/v1/history{query}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def test_one_run_writes_all_six_types(tmp_path: Path) -> None:
    async with site(tmp_path) as there:
        run = await ran(there, graph())
        found = {one["record_type"]: one for one in await history(there, f"?run={run}")}
        shown = await there.run(run)

    assert set(found) == set(RecordType)
    assert {one["run"] for one in found.values()} == {run}
    assert found["llm_request"]["data"]["content"]["messages"][0]["content"] == "Say hello to Ann"
    assert "Ann" in found["llm_response"]["data"]["content"]["text"]
    assert found["tool_execution"]["data"]["content"]["arguments"] == {"expression": "1 + 2"}
    assert found["workflow_execution"]["data"]["status"] == "completed"
    tokens, cost = found["token_usage"]["data"], found["cost_record"]["data"]
    assert tokens["total_tokens"] == shown["usage"]["total_tokens"] == found["workflow_execution"]["data"]["total_tokens"] > 0
    assert Decimal(cost["cost"]["amount"]) == Decimal(shown["cost"]["amount"]) > 0


async def test_every_call_of_an_agent_is_in_the_history_and_its_sums_are_those_of_usage(tmp_path: Path) -> None:
    sums = [{"name": "calculator", "arguments": {"expression": "2 * 21"}}, {"name": "calculator", "arguments": {"expression": "3 * 21"}}]
    rules = [{"turn": 1, "tool_calls": sums[:1]}, {"turn": 2, "tool_calls": sums[1:]}, {"answer": "done"}]
    agent = {"kind": "agent", "model": "scripted/rules", "prompt": "How much?", "tools": ["calculator"], "options": {"rules": rules}}
    edges = [{"from": "start", "to": "a"}]
    async with site(tmp_path) as there:
        run = await ran(there, {"weft": 1, "name": "agent", "version": "1.0.0", "nodes": {"a": agent}, "edges": edges})
        found = await history(there, f"?run={run}&limit=200")
        total = (await there.call("GET", "/v1/usage")).json()["items"][0]
        shown = await there.run(run)

    of = {kind: [one["data"] for one in found if one["record_type"] == kind] for kind in RecordType}
    assert [len(of[kind]) for kind in RecordType] == [3, 3, 3, 3, 1, 2]
    assert {one["content"]["output"]["result"] for one in of[RecordType.TOOL_EXECUTION]} == {42, 63}
    assert {one["agent"] for one in of[RecordType.TOOL_EXECUTION]} == {"a"}
    tokens = sum(one["total_tokens"] for one in of[RecordType.TOKEN_USAGE])
    answered = sum(one["prompt_tokens"] + one["completion_tokens"] for one in of[RecordType.LLM_RESPONSE])
    assert tokens == answered == total["total_tokens"] == shown["usage"]["total_tokens"] > 0
    cost = sum(Decimal(one["cost"]["amount"]) for one in of[RecordType.COST_RECORD])
    assert cost == Decimal(shown["cost"]["amount"]) > 0
    assert all(shown["created_at"] <= one["timestamp"] <= shown["ended_at"] for one in found)


async def test_each_type_is_asked_for_by_its_name(tmp_path: Path) -> None:
    async with site(tmp_path) as there:
        await ran(there, graph())
        for kind in RecordType:
            assert [one["record_type"] for one in await history(there, f"?type={kind}")] == [kind], kind
        assert [one["record_type"] for one in await history(there, "?text=HELLO%20to%20ann&type=llm_request")] == ["llm_request"]
        assert await history(there, "?text=goodbye") == []


@pytest.mark.parametrize(
    ("outer", "inner", "kept"),
    [
        pytest.param({}, {}, "hashed", id="as the installation says"),
        pytest.param({}, capturing("on"), "on", id="as the workflow says"),
        pytest.param(capturing("off"), capturing("on"), "off", id="no more than the workflow that calls it allows"),
        pytest.param(capturing("on"), capturing("off"), "off", id="no more than the called workflow allows"),
    ],
)
async def test_as_much_is_kept_as_every_workflow_above_allows(tmp_path: Path, outer: Any, inner: Any, kept: str) -> None:
    async with site(tmp_path, history_capture="hashed") as there:
        await there.publish(graph("inner", **inner))
        run = await ran(there, graph("outer", "inner", **outer), "Rumpelstiltskin")
        found = [one["data"] for one in await history(there, f"?run={run}") if "capture" in one["data"]]
        text = (tmp_path / "weft.db").read_bytes() + (tmp_path / "weft.db-wal").read_bytes()

    assert [one["capture"] for one in found] == [kept] * 3
    said = [str(one.get("content", "")) for one in found]
    assert [("Rumpelstiltskin" in one, "sha256:" in one) for one in said][1:] == [(kept == "on", kept == "hashed")] * 2
    assert b'"Say hello to Rumpelstiltskin' not in text or kept == "on"


async def test_a_workflow_that_says_what_nobody_understands_is_refused(tmp_path: Path) -> None:
    async with site(tmp_path) as there:
        answer = await there.call("POST", "/v1/workflows", json=graph(**capturing("of")))

    assert answer.status_code == 422
    assert [(one["pointer"], one["code"]) for one in answer.json()["problems"]] == [("/metadata/history/capture", "unknown_capture")]


async def test_what_fits_a_pattern_is_in_no_byte_of_the_history(tmp_path: Path) -> None:
    async with site(tmp_path, redact={"email": r"[\w.]{1,64}@[\w.]{1,64}\.[a-z]{2,9}"}) as there:
        await ran(there, graph(), "ann@example.com")
        found = await history(there)

    assert "ann@example.com" not in str(found)
    assert "Say hello to [redacted email]" in str(found)


async def test_a_secret_that_somebody_says_to_a_model_is_in_no_byte_of_the_history(tmp_path: Path) -> None:
    async with site(tmp_path, history_capture="on") as there:
        await ran(there, graph(), CONFIGURED)
        found = await history(there)
        with closing(sqlite3.connect(tmp_path / "weft.db")) as connection:
            rows = str(connection.execute("SELECT * FROM history").fetchall())

    assert "Say hello to [secret WEFT_API_KEYS]" in str(found)
    assert "Say hello to [secret WEFT_API_KEYS]" in rows
    assert CONFIGURED not in str(found) + rows


async def test_a_tool_that_is_called_by_hand_is_in_the_history(tmp_path: Path) -> None:
    async with site(tmp_path) as there:
        await there.call("POST", "/v1/tools/calculator/call", json={"arguments": {"expression": "6 * 7"}})
        (found,) = await history(there)

    assert (found["record_type"], found["run"], found["data"]["caller"]) == ("tool_execution", None, "configured")
    assert found["data"]["content"]["output"]["result"] == 42


async def test_everything_is_written_before_the_service_has_stopped(tmp_path: Path) -> None:
    async with site(tmp_path) as there:
        run = await ran(there, graph())
    async with site(tmp_path) as there:
        assert {one["record_type"] for one in await history(there, f"?run={run}")} == set(RecordType)


async def test_a_viewer_sees_what_happened_and_not_what_was_said(service: Service) -> None:
    made = await service.desk.create_key(local_admin("default"), KeyOrder(role=Role.VIEWER))
    mine = a_record(local_admin("default").tenant, text="the plan")
    await service.store.history.save([mine, replace(mine, id="x", tenant=local_admin("acme").tenant)])

    whole = (await service.call("GET", "/v1/history")).json()["items"]
    part = (await service.call("GET", "/v1/history", made.key)).json()["items"]
    assert [one["data"]["content"]["messages"][0]["content"] for one in whole] == ["the plan"]
    assert [one["data"] for one in part] == [{"node": "a"}]
    assert (await service.call("GET", "/v1/history?text=plan", made.key)).status_code == 403
    assert (await service.call("GET", "/v1/history?model=fast", made.key)).status_code == 200


@pytest.mark.parametrize("query", ["type=nothing", "since=yesterday", "cursor=x", "limit=0", "text=", "who=ann", "run=%00"])
async def test_a_question_that_cannot_be_understood_is_refused(service: Service, query: str) -> None:
    assert (await service.call("GET", f"/v1/history?{query}")).status_code == 422

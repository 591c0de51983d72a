"""Sessions with the whole of Weft: what is said is answered, and everything that came of it is listed in order."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from domain.ids import SessionId, TenantId, ThreadId
from domain.thread import Thread, ThreadType
from infrastructure.ids import new_id
from tests.integration.rest.site import Site, open_site

WAIT = 30
PATH = "/v1/sessions"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with open_site(tmp_path) as opened:
        yield opened


def graph(name: str, nodes: dict[str, Any], *arrows: str, **more: Any) -> dict[str, Any]:
    edges = [{"from": source, "to": target} for arrow in arrows for source, target in zip(arrow.split(), arrow.split()[1:], strict=False)]
    return {"weft": 1, "name": name, "version": "1.0.0", "nodes": nodes, "edges": edges, **more}


def sum_of(expression: str = "6 * 7") -> dict[str, Any]:
    return {"kind": "tool", "tool": "calculator", "arguments": {"expression": expression}}


def desk() -> dict[str, Any]:
    """A model answers, a tool counts."""
    ask = {
        "kind": "llm",
        "model": "scripted/echo",
        "prompt": "{{ state.message }}",
        "options": {"otherwise": "One moment please."},
        "writes": {"said": "${output.text}"},
    }
    nodes = {"ask": ask, "count": {**sum_of(), "writes": {"total": "${output}"}}}
    state = {"message": {"type": "string"}, "said": {"type": "string"}, "total": {}}
    return graph("desk", nodes, "start ask count end", state=state, output={"said": "${state.said}"})


async def opened(site: Site, **order: Any) -> dict[str, Any]:
    answer = await site.call("POST", PATH, json={"user_id": "ada", "workflow": "desk", **order})
    assert answer.status_code == 201, answer.text
    session: dict[str, Any] = answer.json()
    return session


async def said(site: Site, session: dict[str, Any], content: Any = "hello", status: int = 200, **order: Any) -> dict[str, Any]:
    """The answer to it, once the run has ended."""
    answer = await site.call("POST", f"{PATH}/{session['id']}/interactions?wait={WAIT}", json={"content": content, **order})
    assert answer.status_code == status, answer.text
    result: dict[str, Any] = answer.json()
    return result


async def listed(site: Site, session: dict[str, Any], **wanted: Any) -> list[dict[str, Any]]:
    """All of them, page by page."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await site.call("GET", f"{PATH}/{session['id']}/interactions", params={**wanted, **cursor})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert len(page["items"]) <= wanted.get("limit", 50)
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


async def test_one_run_tells_of_all_four(site: Site) -> None:
    await site.publish(desk())
    session = await opened(site)
    async with site.working():
        result = await said(site, session)
    found = await listed(site, session)
    run = result["run"]["id"]

    assert [one["type"] for one in found] == ["user_request", "state_change", "tool_execution", "state_change", "system_response"]
    assert [one["position"] for one in found] == [1, 2, 3, 3, 4]
    assert len({one["interaction_id"] for one in found}) == 5
    assert {(one["session_id"], one["run_id"], one["thread_id"]) for one in found} == {(session["id"], run, session["thread_id"])}
    request, first, call, second, response = (one["content"] for one in found)
    assert (request, first["updates"], list(second["updates"])) == ({"message": "hello"}, {"said": "One moment please."}, ["total"])
    assert (call["tool"], call["activation"], call["status"]) == ("calculator", "/count#1", "finished")
    assert response == {"status": "completed", "output": {"said": "One moment please."}, "error": None}


async def test_what_an_agent_calls_is_told_call_by_call_and_what_it_asks_models_is_not(site: Site) -> None:
    rules = [{"after": "calculator", "answer": "Done."}, {"tool_calls": [{"name": "calculator", "arguments": {"expression": "6 * 7"}}]}]
    agent = {"kind": "agent", "model": "scripted/assistant", "prompt": "Reckon.", "tools": ["calculator"], "options": {"rules": rules}}
    await site.publish(graph("desk", {"clerk": agent}, "start clerk end"))
    session = await opened(site)
    async with site.working():
        await said(site, session)
    found = await listed(site, session)

    assert [one["type"] for one in found] == ["user_request", "tool_execution", "system_response"]
    call = found[1]["content"]
    assert (call["tool"], call["activation"], call["status"]) == ("calculator", "/clerk#1", "called")
    assert "42" in json.dumps(call["output"])


async def test_the_answer_names_the_interactions_that_the_list_shows(site: Site) -> None:
    await site.publish(desk())
    session = await opened(site)
    async with site.working():
        result = await said(site, session)
    first, *_, last = await listed(site, session)

    assert result["interaction"]["interaction_id"] == first["interaction_id"]
    assert result["interaction"]["content"] == first["content"]
    assert result["response"]["interaction_id"] == last["interaction_id"]
    assert result["response"]["content"] == last["content"]
    assert result["run"]["status"] == "completed"


async def test_the_answer_comes_as_events_and_words_where_they_are_asked_for(site: Site) -> None:
    await site.publish(desk())
    session = await opened(site)
    async with site.working():
        await said(site, session)
        answer = await site.call(
            "POST", f"{PATH}/{session['id']}/interactions", json={"content": "again"}, headers={"Accept": "text/event-stream"}
        )
    run = await site.run(answer.headers["Location"].rpartition("/")[2])
    blocks = [dict(line.split(": ", 1) for line in block.split("\n")) for block in answer.text.strip().split("\n\n")]
    rows = [block for block in blocks if "id" in block]

    assert answer.headers["content-type"].startswith("text/event-stream")
    assert [row["event"] for row in rows] == ["run_started", "node_finished", "node_finished", "run_ended"]
    assert [int(row["id"]) for row in rows] == [5, 6, 7, 8]
    assert json.loads(rows[0]["data"])["input"] == {"message": "again"} == run["input"]
    assert blocks[-1]["event"] == "end"


async def test_a_run_that_fails_is_answered_with_its_error(site: Site) -> None:
    await site.publish(graph("desk", {"divide": sum_of("1 / 0")}, "start divide end"))
    session = await opened(site)
    async with site.working():
        result = await said(site, session)
    request, call, response = await listed(site, session)

    assert (request["type"], call["type"], response["type"]) == ("user_request", "tool_execution", "system_response")
    assert (call["content"]["status"], call["content"]["failure"]["node"]) == ("failed", "divide")
    assert response["content"]["status"] == "failed"
    assert response["content"]["error"] == result["run"]["error"] == result["response"]["content"]["error"]


async def test_pages_of_any_size_show_the_same(site: Site) -> None:
    await site.publish(desk())
    session = await opened(site)
    beside = (await site.call("POST", f"{PATH}/{session['id']}/threads", json={})).json()["id"]
    async with site.working():
        for number, thread in enumerate([None, beside, None, beside]):
            await said(site, session, f"message {number}", **({} if thread is None else {"thread_id": thread}))
    whole = await listed(site, session)
    asked = [one["content"]["message"] for one in whole if one["type"] == "user_request"]

    assert len(whole) == 20
    assert asked == [f"message {number}" for number in range(4)]
    assert whole == sorted(whole, key=lambda one: (one["timestamp"], one["thread_id"], one["position"]))
    for limit in (1, 2, 3, 7):
        assert await listed(site, session, limit=limit) == whole
    assert await listed(site, session, thread_id=beside) == [one for one in whole if one["thread_id"] == beside]


async def test_what_happens_between_two_pages_comes_with_the_later_one(site: Site) -> None:
    await site.publish(desk())
    session = await opened(site)
    path = f"{PATH}/{session['id']}/interactions"
    async with site.working():
        await said(site, session)
        first = (await site.call("GET", path, params={"limit": 3})).json()
        await said(site, session, "again")
        rest = (await site.call("GET", path, params={"cursor": first["next_cursor"]})).json()

    assert first["items"] + rest["items"] == await listed(site, session)
    assert len(rest["items"]) == 7


@pytest.mark.parametrize("cursor", ["o5", "i", "i~", "i0190a1b2c3d4.1", "i0190a1b2c3d4.1.x", "i0190a1b2c3d4.-1.0", "~"])
async def test_a_cursor_that_is_not_ours_is_refused(site: Site, cursor: str) -> None:
    session = await opened(site)
    answer = await site.call("GET", f"{PATH}/{session['id']}/interactions", params={"cursor": cursor})

    if cursor == "i":
        assert answer.json() == {"items": [], "next_cursor": None}
    else:
        assert (answer.status_code, answer.json()["problems"][0]["pointer"]) == (422, "/query/cursor")


async def test_a_branch_in_the_session_shows_its_own_rows_alone(site: Site) -> None:
    await site.publish(desk())
    session = await opened(site)
    async with site.working():
        await said(site, session)
        main = await site.weft.shared.store().threads.get(TenantId("default"), ThreadId(session["thread_id"]))
        branch = Thread(
            ThreadId(new_id()), main.tenant, main.created_at, ThreadType.BRANCH, session=SessionId(session["id"]), parent=main.id,
            parent_position=await site.weft.shared.store().journal.end(main.tenant, main.id),
        )  # fmt: skip
        await site.weft.shared.store().threads.add(branch)
        before = await listed(site, session)
        await said(site, session, "on the branch", thread_id=branch.id)
    after = await listed(site, session)

    assert len(before) == 5
    assert after[:5] == before
    assert [one["position"] for one in after[5:]] == [5, 6, 7, 7, 8]


async def test_tools_of_inner_graphs_and_of_workflows_that_are_called_are_told_too(site: Site) -> None:
    inner = graph("inner", {"add": sum_of("1 + 1")}, "start add end")
    each = {"kind": "map", "over": "${[1, 2]}", "graph": {key: inner[key] for key in ("nodes", "edges")}}
    document = graph("desk", {"each": each, "call": {"kind": "workflow", "workflow": "inner"}}, "start each call end")
    await site.publish(inner, document)
    session = await opened(site)
    async with site.working():
        await said(site, session)
    calls = [one["content"]["activation"] for one in await listed(site, session) if one["type"] == "tool_execution"]

    assert sorted(calls[:2]) == ["/each#1[0]/add#1", "/each#1[1]/add#1"]
    assert [call.rpartition("/")[2] for call in calls] == ["add#1"] * 3
    assert len(calls) == 3


@pytest.mark.parametrize(
    ("permissions", "status"),
    [
        pytest.param(None, "completed", id="no list allows everything"),
        pytest.param([], "failed", id="an empty one nothing"),
        pytest.param(["json_query"], "failed", id="another tool is not this one"),
        pytest.param(["calculator"], "completed", id="the tool is named"),
        pytest.param(["calc*"], "completed", id="its prefix is"),
    ],
)
async def test_permissions_restrict_the_tools_of_its_runs(site: Site, permissions: list[str] | None, status: str) -> None:
    await site.publish(desk())
    session = await opened(site, permissions=permissions)
    async with site.working():
        run = (await said(site, session))["run"]

    assert run["status"] == status
    if status == "failed":
        assert (run["error"]["code"], run["error"]["node"], run["error"]["attempt"]) == ("forbidden", "count", 1)


async def test_a_refused_tool_can_be_caught(site: Site) -> None:
    document = graph("desk", {"count": sum_of(), "sorry": {"kind": "transform", "writes": {"why": "${error.code}"}}}, "start count end")
    document |= {"state": {"why": {"type": "string"}}, "output": {"why": "${state.why}"}}
    document["edges"] += [{"from": "count", "to": "sorry", "on_error": ["forbidden"]}, {"from": "sorry", "to": "end"}]
    await site.publish(document)
    async with site.working():
        result = await said(site, await opened(site, permissions=[]))

    assert result["response"]["content"]["output"] == {"why": "forbidden"}


async def test_a_run_keeps_the_permissions_that_it_was_started_with(site: Site) -> None:
    nodes = {"pause": {"kind": "wait", "signal": "go"}, "count": sum_of()}
    await site.publish(graph("desk", nodes, "start pause count end"))
    session = await opened(site, permissions=["calculator"])
    path = f"{PATH}/{session['id']}"
    async with site.working():
        run = (await said(site, session))["run"]
        await site.call("PATCH", path, json={"permissions": []})
        await site.call("POST", f"/v1/runs/{run['id']}/signals/go", json={})
        later = await said(site, session)
        await site.call("POST", f"/v1/runs/{later['run']['id']}/signals/go", json={})
        ended = [await ended_run(site, one) for one in (run["id"], later["run"]["id"])]

    assert [one["permissions"] for one in ended] == [["calculator"], []]
    assert [one["status"] for one in ended] == ["completed", "failed"]


async def test_an_aborted_session_has_its_runs_cancelled(site: Site) -> None:
    await site.publish(graph("desk", {"pause": {"kind": "wait", "signal": "never"}}, "start pause end"))
    session = await opened(site)
    async with site.working():
        parked = (await said(site, session))["run"]
        queued = await site.call("POST", f"{PATH}/{session['id']}/interactions", json={"content": "and then"})
        aborted = await site.call("POST", f"{PATH}/{session['id']}/abort")
        ended = [await ended_run(site, run) for run in (parked["id"], queued.json()["run"]["id"])]

    assert aborted.json()["state"] == "aborted"
    assert [run["status"] for run in ended] == ["cancelled", "cancelled"]


async def ended_run(site: Site, run: str) -> dict[str, Any]:
    async with asyncio.timeout(WAIT):
        await site.call("GET", f"/v1/runs/{run}/events")  # until its end
    return await site.run(run)

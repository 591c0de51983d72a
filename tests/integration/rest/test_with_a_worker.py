"""Runs from the request to the last row, through the real engine, worker and database."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.rest.site import Site, open_site
from tests.integration.rest.streaming import ServerSent, listening

WAIT = 30


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with open_site(tmp_path) as opened:
        yield opened


def graph(name: str, nodes: dict[str, Any], *arrows: str, **more: Any) -> dict[str, Any]:
    """`arrows`: "a b c" leads from a to b to c."""
    edges = [{"from": source, "to": target} for arrow in arrows for source, target in zip(arrow.split(), arrow.split()[1:], strict=False)]
    return {"weft": 1, "name": name, "version": "1.0.0", "nodes": nodes, "edges": edges, **more}


def writes(channel: str, value: str) -> dict[str, Any]:
    return {"kind": "transform", "writes": {channel: value}}


def doubling(name: str = "doubling") -> dict[str, Any]:
    nodes = {"double": writes("x", "${state.x * 2}")}
    return graph(name, nodes, "start double end", state={"x": {"type": "integer"}}, output={"doubled": "${state.x}"})


def waiting(seconds: float) -> dict[str, Any]:
    return graph("waiting", {"pause": {"kind": "wait", "seconds": seconds}}, "start pause end")


def busy() -> dict[str, Any]:
    return graph("busy", {"work": {"kind": "tool", "tool": "sleep", "arguments": {"seconds": 600}}}, "start work end")


def endless() -> dict[str, Any]:
    nodes = {"again": writes("x", "${state.x + 1}")}
    return graph("endless", nodes, "start again again", state={"x": {"type": "integer", "default": 0}}, limits={"visits": 50, "steps": 500})


def talking(answer: str) -> dict[str, Any]:
    return {"kind": "llm", "model": "scripted/echo", "prompt": "Go on.", "options": {"otherwise": answer}}


async def events_of(site: Site, run: str, query: str = "") -> list[ServerSent]:
    async with asyncio.timeout(WAIT), listening(site, f"/v1/runs/{run}/events", query) as stream:
        return [event async for event in stream.events()]


async def test_a_published_workflow_runs_to_its_end_while_the_request_waits(site: Site) -> None:
    await site.publish(doubling())
    async with site.working():
        run = await site.start("doubling", wait=WAIT, input={"x": 21}, metadata={"for": "ann"})

    assert (run["status"], run["output"], run["error"]) == ("completed", {"doubled": 42}, None)
    assert [(visit["node"], visit["status"], visit["attempts"]) for visit in run["activations"]] == [("double", "finished", 1)]
    assert run["created_at"] <= run["started_at"] <= run["ended_at"]
    assert (run["workflow"], run["metadata"], run["waiting_for"]) == ("doubling@1.0.0", {"for": "ann"}, [])
    assert await site.run(run["id"]) == run


async def test_the_answer_to_a_start_tells_of_a_run_that_has_not_begun(site: Site) -> None:
    await site.publish(doubling())
    run = await site.start("doubling", input={"x": 21})

    assert (run["status"], run["activations"], run["activations_total"], run["versions"]) == ("queued", [], 0, {})
    assert await site.run(run["id"]) == run


async def test_a_stream_shows_every_row_and_the_words_of_a_model_as_they_come(site: Site) -> None:
    answer = "One two three, four and five."
    ask = {
        "kind": "llm",
        "model": "scripted/echo",
        "prompt": "Count.",
        "options": {"otherwise": answer},
        "writes": {"said": "${output.text}"},
    }
    document = graph("counting", {"ask": ask}, "start ask end", state={"said": {"type": "string"}}, output={"said": "${state.said}"})
    run = await site.start(document)

    async with asyncio.timeout(WAIT), listening(site, f"/v1/runs/{run['id']}/events", "chunks=1") as stream:
        blocks = stream.blocks()
        assert await anext(blocks) == "retry: 1000"  # the stream is open, and only now somebody works
        async with site.working():
            events = [event async for event in stream.events()]

    rows = [event for event in events if event.id is not None]
    said = [event.data for event in events if event.event == "chunk"]
    assert [row.event for row in rows] == ["run_started", "node_finished", "run_ended"]
    assert [row.id for row in rows] == [1, 2, 3]
    assert "".join(piece["text"] for piece in said) == answer
    assert len(said) > 3
    assert {piece["activation"] for piece in said} == {"/ask#1"}
    assert [event.event for event in events if event.event != "chunk"] == [
        "run_started", "started", "node_finished", "run_ended", "end"
    ]  # fmt: skip
    assert events[-1].data == {"run": run["id"], "status": "completed"}

    ended = await site.run(run["id"])
    assert (ended["output"], ended["usage"]["calls"]) == ({"said": answer}, 1)
    assert ended["usage"]["total_tokens"] == ended["usage"]["prompt_tokens"] + ended["usage"]["completion_tokens"] > 0
    assert (float(ended["cost"]["amount"]) > 0, ended["cost"]["currency"], ended["cost"]["unpriced_calls"]) == (True, "USD", 0)


async def test_a_stream_that_is_opened_late_or_again_shows_the_same_rows(site: Site) -> None:
    await site.publish(doubling())
    async with site.working():
        run = await site.start("doubling", wait=WAIT, input={"x": 1})

    whole = await events_of(site, run["id"])
    assert await events_of(site, run["id"], "after=1") == whole[1:]
    assert await events_of(site, run["id"], "after=3") == whole[3:]
    assert [event.event for event in whole] == ["run_started", "node_finished", "run_ended", "end"]


@pytest.mark.parametrize("document", [waiting(3600), busy()], ids=["while it waits", "while it works"])
async def test_a_run_is_cancelled(site: Site, document: dict[str, Any]) -> None:
    run = await site.start(document)

    async with asyncio.timeout(WAIT), listening(site, f"/v1/runs/{run['id']}/events", "chunks=1") as stream:
        assert await anext(stream.blocks()) == "retry: 1000"
        async with site.working():
            events = stream.events()
            begun = "node_parked" if document["name"] == "waiting" else "started"
            while (await anext(events)).event != begun:
                pass
            asked = await site.call("POST", f"/v1/runs/{run['id']}/cancel", json={"reason": "not needed any more"})
            rest = [event async for event in events]

    assert asked.status_code == 202
    assert [event.event for event in rest] == ["cancel_requested", "run_ended", "end"]
    assert rest[0].data["reason"] == "not needed any more"
    assert rest[-1].data["status"] == "cancelled"
    ended = await site.run(run["id"])
    assert (ended["status"], [visit["status"] for visit in ended["activations"]]) == (
        "cancelled",
        ["cancelled"] * len(ended["activations"]),
    )
    assert (await site.call("POST", f"/v1/runs/{run['id']}/cancel")).status_code == 200


async def test_a_run_that_is_cancelled_before_anybody_works_never_begins(site: Site) -> None:
    await site.publish(doubling())
    run = await site.start("doubling", input={"x": 1})
    assert (await site.call("POST", f"/v1/runs/{run['id']}/cancel")).status_code == 202

    async with site.working():
        events = await events_of(site, run["id"])

    assert events[-1].data["status"] == "cancelled"
    assert "node_finished" not in [event.event for event in events]


async def test_a_wait_goes_by_and_the_run_goes_on(site: Site) -> None:
    async with site.working():
        run = await site.start(waiting(0.05), wait=WAIT)

    assert (run["status"], [visit["node"] for visit in run["activations"]]) == ("completed", ["pause"])


async def test_a_request_that_waits_too_briefly_is_told_what_the_run_waits_for(site: Site) -> None:
    async with site.working():
        answer = await site.call("POST", "/v1/runs?wait=0.5", json={"workflow": waiting(3600)})

    run = answer.json()
    assert (answer.status_code, run["status"]) == (202, "parked")
    assert [(waited["activation"], waited["kind"]) for waited in run["waiting_for"]] == [("/pause#1", "timer")]
    assert run["waiting_for"][0]["until"] > run["created_at"]


async def test_a_workflow_posted_whole_runs_and_is_listed_nowhere(site: Site) -> None:
    async with site.working():
        run = await site.start(doubling("by-hand"), wait=WAIT, input={"x": 4})

    assert (run["output"], run["workflow"]) == ({"doubled": 8}, "by-hand@1.0.0")
    assert (await site.call("GET", "/v1/workflows")).json()["items"] == []
    assert (await site.call("POST", "/v1/runs", json={"workflow": "by-hand"})).status_code == 404


async def test_a_map_and_a_workflow_node_run_graphs_inside_the_graph(site: Site) -> None:
    each = graph("unused", {"square": writes("y", "${state.item * state.item}")}, "start square end", output={"y": "${state.y}"})
    each = {name: each[name] for name in ("nodes", "edges", "output")} | {"state": {"item": {"type": "integer"}, "y": {"type": "integer"}}}
    nodes = {
        "all": {"kind": "map", "over": "${state.xs}", "graph": each, "concurrency": 2, "writes": {"ys": "${output}"}},
        "first": {"kind": "workflow", "workflow": "doubling", "input": {"x": "${state.xs[0]}"}, "writes": {"first": "${output.doubled}"}},
    }
    state = {"xs": {"type": "array"}, "ys": {"type": "array"}, "first": {"type": "integer"}}
    await site.publish(
        doubling(), graph("nested", nodes, "start all first end", state=state, output={"ys": "${state.ys}", "first": "${state.first}"})
    )
    async with site.working():
        run = await site.start("nested", wait=WAIT, input={"xs": [3, 1, 2, 5]})

    assert (run["status"], run["output"]) == ("completed", {"ys": [{"y": 9}, {"y": 1}, {"y": 4}, {"y": 25}], "first": 6})
    paths = {visit["path"] for visit in run["activations"]}
    assert paths == {"/all#1", "/first#1", "/first#1[0]/double#1", *(f"/all#1[{item}]/square#1" for item in range(4))}
    assert list(run["versions"]) == ["doubling"]


async def test_what_a_name_stands_for_is_settled_when_a_run_begins(site: Site) -> None:
    await site.publish(
        doubling(), graph("outer", {"inner": {"kind": "workflow", "workflow": "doubling", "input": {"x": 1}}}, "start inner end")
    )
    run = await site.start("outer")
    newer = {**doubling(), "version": "1.1.0"}
    await site.publish(newer)
    async with site.working():
        await events_of(site, run["id"])

    of_the_newest = (await site.call("GET", "/v1/workflows/doubling/1.1.0")).json()["hash"]
    assert (await site.run(run["id"]))["versions"] == {"doubling": of_the_newest}


async def test_a_node_that_fails_is_named_and_what_was_before_it_is_kept(site: Site) -> None:
    nodes = {
        "first": writes("x", "${state.x + 1}"),
        "second": {"kind": "tool", "tool": "calculator", "arguments": {"expression": "1 / 0"}},
        "third": writes("x", "${state.x + 1}"),
    }
    document = graph("failing", nodes, "start first second third end", state={"x": {"type": "integer"}})
    async with site.working():
        run = await site.start(document, wait=WAIT, input={"x": 1})

    assert (run["status"], run["output"]) == ("failed", None)
    assert (run["error"]["node"], run["error"]["attempt"]) == ("second", 1)
    assert "zero" in run["error"]["message"]
    assert [(visit["node"], visit["status"]) for visit in run["activations"]] == [("first", "finished"), ("second", "failed")]
    rows = await events_of(site, run["id"])
    assert [(row.data["activation"], row.data["updates"]) for row in rows if row.event == "node_finished"] == [("/first#1", {"x": 2})]
    assert rows[-2].data["failure"]["node"] == "second"


async def test_state_outlives_a_failed_run_on_its_thread(site: Site) -> None:
    nodes = {
        "count": writes("x", "${state.x + 1}"),
        "check": {"kind": "tool", "tool": "calculator", "arguments": {"expression": "1 / (${state.x} - 2)"}},
    }
    document = graph("counted", nodes, "start count check end", state={"x": {"type": "integer", "default": 0}})
    thread = (await site.call("POST", "/v1/threads", json={})).json()["id"]
    async with site.working():
        runs = [await site.start(document, wait=WAIT, thread_id=thread) for _ in range(3)]

    assert [run["status"] for run in runs] == ["completed", "failed", "completed"]
    assert [run["output"] and run["output"]["x"] for run in runs] == [1, None, 3]


@pytest.mark.parametrize("mode", ["async", "sync"])
@pytest.mark.parametrize("durability", ["sync", "async", "exit"])
async def test_however_it_runs_and_is_kept_the_outcome_is_the_same(site: Site, mode: str, durability: str) -> None:
    nodes = {"left": writes("l", "${state.x + 1}"), "right": writes("r", "${state.x + 2}"), "sum": writes("x", "${state.l + state.r}")}
    channels = {name: {"type": "integer"} for name in "lrx"}
    document = graph("summing", nodes, "start left sum end", "start right sum", state=channels, output={"sum": "${state.x}"})
    async with site.working():
        run = await site.start(document, wait=WAIT, input={"x": 10}, mode=mode, durability=durability)

    assert (run["status"], run["output"], run["mode"], run["durability"]) == ("completed", {"sum": 23}, mode, durability)
    rows = await events_of(site, run["id"])
    assert sorted(row.data["activation"] for row in rows if row.event == "node_finished") == ["/left#1", "/right#1", "/sum#1"]
    assert [row.id for row in rows[:-1]] == list(range(1, len(rows)))
    assert (rows[0].event, rows[-2].event) == ("run_started", "run_ended")


@pytest.mark.parametrize(
    ("limits", "code", "visits"),
    [({}, "limit_visits", 50), ({"visits": 7}, "limit_visits", 7), ({"steps": 5}, "limit_steps", 5)],
    ids=["the workflow's own", "fewer visits", "fewer steps"],
)
async def test_a_run_stops_at_the_lower_of_the_limits(site: Site, limits: dict[str, int], code: str, visits: int) -> None:
    async with site.working():
        run = await site.start(endless(), wait=WAIT, limits=limits)

    assert (run["status"], run["error"]["code"], run["error"]["node"]) == ("failed", code, "again")
    assert run["activations_total"] == visits


async def test_a_limit_on_seconds_ends_a_run_that_works_too_long(site: Site) -> None:
    async with site.working():
        run = await site.start(busy(), wait=WAIT, limits={"seconds": 0.2})

    assert (run["status"], run["error"]["code"]) == ("failed", "limit_seconds")


async def test_a_limit_on_tokens_ends_a_run_that_talks_too_much(site: Site) -> None:
    async with site.working():
        run = await site.start(graph("talking", {"talk": talking("word " * 30)}, "start talk talk"), wait=WAIT, limits={"tokens": 100})

    assert (run["status"], run["error"]["code"]) == ("failed", "limit_tokens")
    assert run["usage"]["total_tokens"] > 100
    assert run["usage"]["calls"] < 10


async def test_a_start_that_comes_again_when_its_run_is_over_tells_how_it_ended(site: Site) -> None:
    await site.publish(doubling())
    order, key = {"workflow": "doubling", "input": {"x": 3}}, {"Idempotency-Key": "once"}
    async with site.working():
        first = await site.call("POST", f"/v1/runs?wait={WAIT}", json=order, headers=key)
        again = await site.call("POST", "/v1/runs", json=order, headers=key)
        waited = await site.call("POST", f"/v1/runs?wait={WAIT}", json=order, headers=key)

    assert (first.status_code, again.status_code, waited.status_code) == (200, 202, 200)
    assert first.json() == again.json() == waited.json()
    assert first.json()["activations_total"] == 1


async def test_many_runs_at_once_all_end_as_they_should(site: Site) -> None:
    await site.publish(doubling())
    async with site.working():
        runs = await asyncio.gather(*(site.start("doubling", wait=WAIT, input={"x": number}) for number in range(60)))

    assert [run["output"] for run in runs] == [{"doubled": 2 * number} for number in range(60)]


@pytest.mark.parametrize(("language", "begins"), [("mermaid", "flowchart"), ("dot", "digraph"), ("yaml", "weft: 1")])
async def test_a_workflow_is_drawn(site: Site, language: str, begins: str) -> None:
    await site.publish(doubling())

    answer = await site.call("GET", f"/v1/workflows/doubling/1.0.0?format={language}")

    assert answer.status_code == 200
    assert answer.text.lstrip().startswith(begins)
    assert "double" in answer.text

"""Who follows a run or its thread hears when a budget that counts it passes a mark, through the real engine, worker and database."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.integration.rest.site import Site, open_site
from tests.integration.rest.streaming import ServerSent, listening

WAIT = 30
CALL = {"kind": "llm", "model": "scripted/assistant", "prompt": "hello", "max_tokens": 4, "options": {"otherwise": "aaaa bbbb cccc"}}
TOKENS = 10
"""Of each call, as reserved and as used."""


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with open_site(tmp_path) as opened:
        yield opened


def calls(count: int) -> dict[str, Any]:
    names = ["start", *(f"n{number}" for number in range(1, count + 1))]
    edges = [{"from": source, "to": target} for source, target in pairwise(names)]
    return {"weft": 1, "name": "calls", "version": "1.0.0", "nodes": dict.fromkeys(names[1:], CALL), "edges": edges}


async def budget(site: Site, calls: int, **more: Any) -> dict[str, Any]:
    answer = await site.call("POST", "/v1/budgets", json={"name": "small", "limit": {"tokens": calls * TOKENS}, **more})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def alerts_of(site: Site, path: str, after: int = 0) -> list[ServerSent]:
    """Up to the end of the run, or of the first run of the thread."""
    seen: list[ServerSent] = []
    async with asyncio.timeout(WAIT), listening(site, path, f"after={after}") as stream:
        async for event in stream.events():
            seen.append(event)
            if event.event == "run_ended":
                break
    return [event for event in seen if event.event == "budget_alert"]


async def test_a_reader_hears_of_each_mark_as_it_is_passed_and_again_when_it_comes_back(site: Site) -> None:
    await site.publish(calls(4))
    made = await budget(site, 4, scope={"workflow": "calls"}, per="day")
    run = await site.start("calls")
    path = f"/v1/runs/{run['id']}/events"
    following = [asyncio.create_task(alerts_of(site, one)) for one in (path, f"/v1/threads/{run['thread_id']}/events")]
    async with site.working():
        heard = await asyncio.gather(*following)

    (alerts, of_thread) = heard
    assert alerts == of_thread
    assert [(event.data["activation"], event.data["percent"], event.data["spent"]) for event in alerts] == [
        ("/n2#1", 50, "20"),
        ("/n4#1", 100, "40"),
    ]
    told = alerts[0].data
    assert (told["budget"], told["name"], told["subject"], told["limit"], told["unit"]) == (made["id"], "small", "calls", "40", "tokens")
    assert told["period"] == made["created_at"][:10]
    assert alerts[0].id is not None
    assert await alerts_of(site, path, alerts[0].id) == alerts[1:]


async def test_a_run_that_is_refused_at_once_by_what_others_used_up_hears_nothing_new(site: Site) -> None:
    await site.publish(calls(1))
    await budget(site, 1)
    async with site.working():
        first, second = [await site.start("calls", wait=WAIT) for _ in range(2)]

    assert (first["status"], second["error"]["code"]) == ("completed", "budget_exceeded")
    percents = [[alert.data["percent"] for alert in await alerts_of(site, f"/v1/runs/{run['id']}/events")] for run in (first, second)]
    assert percents == [[100], []]


async def test_a_budget_that_counts_others_is_not_heard_of(site: Site) -> None:
    await site.publish(calls(2))
    await budget(site, 1, scope={"workflow": "another"})
    async with site.working():
        run = await site.start("calls", wait=WAIT)

    assert await alerts_of(site, f"/v1/runs/{run['id']}/events") == []

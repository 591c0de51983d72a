"""The `llm` node in runs of a whole process: what it is charged for, what it does not ask again, and what it may look at."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from application.cassettes.recording import rows_of
from application.run_views import RunView
from tests.documents import document
from tests.integration.replay.played import Document, opened, runs_of
from tests.servers.speaker import Speaker, speaking
from tests.servers.speaker import answer as said

LABEL = {"type": "object", "properties": {"label": {"enum": ["bug", "other"]}}, "required": ["label"]}
MENDS = {"rules": [{"when": "cannot be used", "json": {"label": "bug"}}], "otherwise": "let me think"}


def one(**keys: Any) -> Document:
    node = {"kind": "llm", "model": "fast", "prompt": "{{ input.text }}", "writes": {"got": "${output}"}, **keys}
    return document({"a": node}, ["start > a", "a > end"], state={"got": {}})


def got(run: RunView) -> Any:
    assert isinstance(run.output, dict)
    return run.output["got"]


async def ran(*documents: Document, text: str = "it crashes", **settings: Any) -> list[tuple[RunView, list[Any]]]:
    """Each run with its rows, one after the other in one process."""
    async with opened(**settings) as app:
        runs = await runs_of(app, *documents, given={"text": text})
        return [(run, list(await rows_of(app.desk, run))) for run in runs]


async def test_a_repair_is_a_call_of_its_own_and_both_are_charged_once() -> None:
    ((run, rows),) = await ran(one(response_schema=LABEL, options=MENDS))

    assert got(run)["json"] == {"label": "bug"}
    calls = [row.model_extra for row in rows if row.type == "effect_finished"]
    used = [call["usage"]["prompt_tokens"] + call["usage"]["completion_tokens"] for call in calls if call is not None]
    assert (run.usage.calls, run.usage.total_tokens) == (2, sum(used))
    assert got(run)["usage"]["total_tokens"] == sum(used)


async def test_an_answer_that_never_fits_is_in_the_failure_and_whole_in_the_journal() -> None:
    answer = "let me think " * 400
    ((run, rows),) = await ran(one(response_schema=LABEL, options={"otherwise": answer}))

    assert run.error is not None
    assert (run.error.code, run.usage.calls) == ("invalid_output", 2)
    assert "It answered: let me think" in run.error.message
    assert len(run.error.message) < 3_000
    last = [row.model_extra for row in rows if row.type == "effect_finished"][-1]
    assert last is not None
    assert last["output"]["text"] == answer


async def test_another_attempt_asks_anew() -> None:
    retry = {"attempts": 2, "first_seconds": 0.01}
    ((run, _),) = await ran(one(response_schema=LABEL, options={"otherwise": "no"}, retry=retry))

    assert (run.status, run.usage.calls) == ("failed", 4)


async def test_an_identical_call_of_a_later_run_costs_nothing() -> None:
    cached = one(cache={"ttl_seconds": 60})
    (first, _), (again, _), (other, _) = await ran(cached, cached, one(cache={"ttl_seconds": 60, "scope": "run"}))

    assert first.usage.total_tokens > 0
    assert (again.usage.total_tokens, again.cost.amount, again.cost.unpriced_calls) == (0, "0", 0)
    assert got(again)["cached"] is True
    assert got(again)["text"] == got(first)["text"]
    assert got(other)["cached"] is False


async def test_what_the_model_asks_of_tools_is_checked_and_nobody_calls_them() -> None:
    asks = {"rules": [{"tool_calls": [{"name": "calculator", "arguments": {"expression": "1 / 0"}}]}]}
    strange = {"rules": [{"tool_calls": [{"name": "rm", "arguments": {}}]}]}
    (good, _), (bad, _) = await ran(one(tools=["calculator"], options=asks), one(tools=["calculator"], options=strange))

    assert got(good)["tool_calls"] == [{"id": "call_1", "name": "calculator", "arguments": {"expression": "1 / 0"}}]
    assert bad.error is not None
    assert bad.error.code == "model_garbage"
    assert "rm" in bad.error.message


@pytest.fixture
async def here() -> AsyncIterator[Speaker]:
    async with speaking() as speaker:
        speaker.said = said(b"\x89PNG\r\n\x1a\n....")
        yield speaker


async def test_images_are_fetched_where_tools_may_go_and_nowhere_else(here: Speaker) -> None:
    looking = one(images=[here.url + "/a.png"])
    ((refused, _),) = await ran(looking)
    assert refused.error is not None
    assert (refused.error.code, here.connections) == ("model_bad_image", 0)

    ((run, _),) = await ran(looking, http_private=(here.place,))
    assert (run.status, here.connections) == ("completed", 1)
    assert run.usage.prompt_tokens > 1_600  # the image is counted, too

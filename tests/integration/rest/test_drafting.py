"""A model writes a workflow over REST, played by the scripted one: what is wrong is told to it, and nothing is published or run."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from application.draft_guide import EXAMPLES
from bootstrap import App, open_app
from domain.budget import TOKENS, Budget
from domain.ids import DEFAULT_TENANT, BudgetId, RunId
from infrastructure.ids import new_id
from settings import Settings

VALID = {
    "weft": 1,
    "name": "double",
    "version": "1.0.0",
    "state": {"x": {"type": "integer"}},
    "nodes": {"twice": {"kind": "transform", "writes": {"x": "${state.x * 2}"}}},
    "edges": [{"from": "start", "to": "twice"}],
}
UNKNOWN_KIND = {**VALID, "nodes": {"twice": {"kind": "doubler"}}}
UNKNOWN_CHANNEL = {**VALID, "nodes": {"twice": {"kind": "transform", "writes": {"y": "${state.y}"}}}}


def says(document: Any) -> str:
    return json.dumps(document)


class Place:
    def __init__(self, app: App, client: httpx.AsyncClient) -> None:
        self.app, self.client = app, client

    async def draft(self, status: int = 200, **order: Any) -> dict[str, Any]:
        answer = await self.client.post(
            "/v1/workflows/draft", json={"description": "Double a number.", "model": "scripted/author", **order}
        )
        assert answer.status_code == status, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def budget(self, tokens: str) -> None:
        """From now on, without waiting until other processes know of it."""
        budget = Budget(BudgetId(new_id()), DEFAULT_TENANT, f"b{tokens}", datetime.now(UTC), Decimal(tokens), TOKENS)
        await self.app.parts.store.budgets.add(budget)
        self.app.parts.purse.known_at = float("-inf")

    async def lines(self) -> list[tuple[int, str, int]]:
        """Of the ledger: attempt, state, tokens."""
        rows = await self.app.parts.store.usage.of_run(DEFAULT_TENANT, RunId(""))
        assert all(row.at > 1_700_000_000 for row in rows), "they count to the day of the call"
        return [(row.attempt, row.state.value, row.usage.total_tokens) for row in rows]


@asynccontextmanager
async def place(tmp_path: Path, *rules: dict[str, Any]) -> AsyncIterator[Place]:
    """`author` answers by these rules, the first that holds."""
    (scripts := tmp_path / "scripts.yaml").write_text(json.dumps({"author": {"rules": list(rules)}}))
    async with open_app(Settings(database_url="memory:", metrics=False, scripts=scripts)) as app:
        (stopping := asyncio.Event()).set()
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app.rest(stopping)), base_url="http://localhost") as client:
            yield Place(app, client)


async def test_who_has_no_key_is_told_what_it_takes(tmp_path: Path) -> None:
    async with place(tmp_path, {"answer": says(VALID)}) as here:
        offline = await here.draft(model="fast")
        unknown = await here.draft(404, model="scripted/writer")
        works = await here.draft()

    assert (offline["valid"], works["stopped"]) == (False, None)
    assert "`fast` stands for an offline model: the offline models that ship" in offline["stopped"]
    assert "no model scripted/writer" in unknown["detail"]
    for told in (offline["stopped"], unknown["detail"]):
        assert "OPENAI_API_KEY" in told
        assert "--model openai/gpt-4o" in told


async def test_what_is_wrong_is_mended_until_it_is_valid_and_every_call_is_counted(tmp_path: Path) -> None:
    rules = (
        {"when": "(unknown_channel)", "answer": f"Here it is:\n```json\n{says(VALID)}\n```\nGood luck!"},
        {"when": "(unknown_kind)", "answer": says(UNKNOWN_CHANNEL)},
        {"answer": says(UNKNOWN_KIND)},
    )
    async with place(tmp_path, *rules) as here:
        draft = await here.draft()
        published = (await here.client.get("/v1/workflows")).json()["items"]
        runs = (await here.client.get("/v1/runs")).json()["items"]
        lines = await here.lines()

    assert (draft["valid"], draft["document"], draft["problems"], draft["attempts"]) == (True, VALID, [], 3)
    assert (published, runs) == ([], [])
    assert [(attempt, state) for attempt, state, _ in lines] == [(1, "counted"), (2, "counted"), (3, "counted")]
    assert (draft["usage"]["calls"], draft["usage"]["total_tokens"]) == (3, sum(tokens for *_, tokens in lines))
    assert draft["cost"]["unpriced_calls"] == 0


async def test_what_never_becomes_valid_is_a_draft_with_its_problems(tmp_path: Path) -> None:
    async with place(tmp_path, {"answer": says(UNKNOWN_KIND)}) as here:
        draft = await here.draft(repairs=2)
        once = await here.draft(repairs=0)

    assert (draft["valid"], draft["document"], draft["attempts"]) == (False, UNKNOWN_KIND, 3)
    assert ("/nodes/twice/kind", "unknown_kind") in [(one["pointer"], one["code"]) for one in draft["problems"]]
    assert once["attempts"] == 1


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param("I would rather: not: [", id="no YAML"),
        pytest.param("Sorry, I cannot.", id="a sentence"),
        pytest.param("- 1\n- 2\n", id="a list"),
        pytest.param("{" * 5_000, id="braces without end"),
        pytest.param("", id="nothing"),
    ],
)
async def test_an_answer_that_is_no_document_is_shown_as_it_came(tmp_path: Path, answer: str) -> None:
    async with place(tmp_path, {"answer": answer}) as here:
        draft = await here.draft(repairs=0)

    assert (draft["valid"], draft["document"], draft["answer"]) == (False, None, answer)
    assert draft["problems"]


async def test_a_model_that_fails_at_first_is_an_error_and_later_leaves_the_draft(tmp_path: Path) -> None:
    async with place(tmp_path, {"fail": {"code": "model_auth"}}) as here:
        refused = await here.draft(502)
        assert await here.lines() == []
    later = ({"when": "(unknown_kind)", "fail": {"code": "model_unavailable", "after_chunks": 3}}, {"answer": says(UNKNOWN_KIND)})
    async with place(tmp_path, *later) as here:
        draft = await here.draft()
        lines = await here.lines()

    assert refused["code"] == "model_auth"
    assert (draft["valid"], draft["document"], draft["attempts"]) == (False, UNKNOWN_KIND, 1)
    assert draft["stopped"].startswith("model_unavailable: ")
    assert [state for _, state, _ in lines] == ["counted", "counted"], "what a call that failed has used is paid for"
    assert draft["usage"]["calls"] == 2


async def test_drafts_keep_within_the_budgets_of_their_tenant(tmp_path: Path) -> None:
    """The longest answer, 8,000 tokens, has to fit beside what the drafts before have used."""
    async with place(tmp_path, {"when": "(unknown_kind)", "answer": says(VALID)}, {"answer": says(UNKNOWN_KIND)}) as here:
        await here.budget("11000")
        draft = await here.draft()
        await here.budget("9")
        refused = await here.draft(409)
        lines = await here.lines()

    assert (draft["valid"], draft["attempts"]) == (False, 1)
    assert draft["stopped"].startswith("budget_exceeded: the budget 'b11000' has no room for this call")
    assert refused["code"] == "budget_exceeded"
    assert [state for _, state, _ in lines] == ["counted"], "what is refused is not asked"


async def test_time_that_is_over_ends_the_repairs(tmp_path: Path) -> None:
    async with place(
        tmp_path, {"when": "(unknown_kind)", "delay_seconds": 60, "answer": says(VALID)}, {"answer": says(UNKNOWN_KIND)}
    ) as here:
        draft = await here.draft(seconds=0.3)

    assert (draft["valid"], draft["attempts"]) == (False, 1)
    assert draft["stopped"].startswith("model_timeout: ")


async def test_a_model_that_there_is_not_is_said_at_once(tmp_path: Path) -> None:
    async with place(tmp_path) as here:
        refused = await here.draft(404, model="scripted/nobody")

        assert (refused["code"], await here.lines()) == ("model_not_found", [])


async def test_the_guide_names_what_is_installed_and_its_examples_are_valid(tmp_path: Path) -> None:
    async with place(tmp_path, {"in": "all", "matches": r"- transform: [\s\S]*- calculator\(expression", "answer": says(VALID)}) as here:
        assert (await here.draft(repairs=0))["valid"], "the model was told of the kinds and the tools"
        found = [(await here.client.post("/v1/workflows/validate", content=_example(one), headers=_YAML)).json() for one in EXAMPLES]

    assert [one["problems"] for one in found] == [[], []]


_YAML = {"Content-Type": "application/yaml"}


def _example(text: str) -> str:
    return text.replace("MODEL", "fast")


async def test_a_draft_is_written_within_the_budgets_of_its_tenant(tmp_path: Path) -> None:
    budget = {"name": "all", "limit": {"tokens": 1}}
    async with place(tmp_path, {"answer": says(UNKNOWN_KIND)}) as here:
        made = (await here.client.post("/v1/budgets", json=budget)).json()
        refused, unwritten = await here.draft(409), await here.lines()
        needed = re.search(r"may use (\d+) tokens", refused["detail"])
        assert needed is not None, refused
        await here.client.patch(f"/v1/budgets/{made['id']}", json={"limit": {"tokens": int(needed[1])}})
        draft, lines = await here.draft(), await here.lines()

    assert (refused["code"], unwritten) == ("budget_exceeded", [])
    assert (draft["valid"], draft["attempts"], draft["stopped"][:16]) == (False, 1, "budget_exceeded:")
    assert [(attempt, state) for attempt, state, _ in lines] == [(1, "counted")]

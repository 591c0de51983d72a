"""Agents in runs: what they ask people, what they keep, what they are charged for."""

import asyncio
from typing import Any

from application.access import LOCAL_ADMIN
from application.answering import AnswerOrder
from application.run_orders import RunOrder
from application.run_views import EventView, RunView
from bootstrap import open_app
from settings import OFFLINE_ALIASES, Settings, read_settings
from tests.documents import document

SUM = {"name": "calculator", "arguments": {"expression": "2 * 21"}}
MORE = {"name": "calculator", "arguments": {"expression": "3 * 21"}}
PLAN = {"name": "update_plan", "arguments": {"steps": [{"text": "work it out", "status": "done"}]}}
RULES = [
    {"turn": 1, "tool_calls": [SUM, PLAN]},
    {"turn": 2, "tool_calls": [SUM, MORE]},
    {"turn": 3, "when": "63", "answer": "42 and 63"},
    {"answer": "nothing came of it"},
]


def offline() -> Settings:
    return read_settings(database_url="memory:", models=OFFLINE_ALIASES, log="warning")


def asking(**keys: Any) -> dict[str, Any]:
    agent = {
        "kind": "agent",
        "model": "scripted/rules",
        "prompt": "How much?",
        "tools": ["calculator"],
        "options": {"rules": RULES},
        **keys,
    }
    writes = {"text": "${output.text}", "plan": "${output.plan}"}
    state = {"text": {"type": "string"}, "plan": {"type": "array"}}
    return document({"a": {**agent, "writes": writes}}, ["start > a"], state=state)


async def played(written: dict[str, Any], *answers: Any) -> tuple[RunView, list[str], list[Any]]:
    """The run at its end, the types of its rows, and what was asked."""
    given, asked, rows = list(answers), [], []
    async with open_app(offline()) as app:
        working = asyncio.create_task(app.worker.run())
        run = (await app.desk.start_run(LOCAL_ADMIN, RunOrder(workflow=written))).view
        async with asyncio.timeout(60):
            async for item in await app.desk.follow_run(LOCAL_ADMIN, run.id):
                rows += [item.type] if isinstance(item, EventView) else []
                if isinstance(item, EventView) and item.type == "node_parked":
                    asked.append(item.model_dump()["about"]["show"])
                    await app.desk.answer_run(LOCAL_ADMIN, run.id, AnswerOrder(activation="/a#1", answer=given.pop(0)))
        run = await app.desk.get_run(LOCAL_ADMIN, run.id)
        app.worker.stop()
        await working
    return run, rows, asked


async def test_a_run_is_parked_for_each_approval_and_goes_on_from_there() -> None:
    yes, no = {"approved": True}, {"approved": False}
    run, rows, asked = await played(asking(approvals={"calculator": "ask"}), yes, no, yes)

    assert run.output == {"text": "42 and 63", "plan": [{"text": "work it out", "status": "done"}]}
    assert [(one["call"], one["arguments"]["expression"]) for one in asked] == [("t1c1", "2 * 21"), ("t2c1", "2 * 21"), ("t2c2", "3 * 21")]
    assert rows.count("node_parked") == 3
    assert rows.count("effect_finished") == 1 + 3 + 3 + 2, "the beginning, turns, approvals, tools"
    assert run.usage.calls == 3


async def test_a_run_that_asks_nobody_has_a_row_for_each_call() -> None:
    run, rows, asked = await played(asking())

    assert (run.output, asked) == ({"text": "42 and 63", "plan": [{"text": "work it out", "status": "done"}]}, [])
    assert rows.count("effect_finished") == 1 + 3 + 3


async def test_an_agent_that_reaches_a_limit_fails_its_node_with_a_code() -> None:
    run, _, _ = await played(asking(max_turns=2))

    assert run.error is not None
    assert (run.status, run.error.code, run.usage.calls) == ("failed", "limit_turns", 2)


async def test_an_answer_that_never_fits_is_tried_anew_where_the_node_says_so() -> None:
    rules = [{"answer": "three"}]
    run, rows, _ = await played(
        asking(options={"rules": rules}, response_schema={"type": "object"}, retry={"attempts": 2, "first_seconds": 0.001})
    )

    assert run.error is not None
    assert (run.error.code, rows.count("attempt_failed"), run.usage.calls) == ("invalid_output", 1, 4)

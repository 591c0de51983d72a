"""A run has one version of each prompt it uses, from its first row to its last, whatever is published meanwhile."""

from collections import Counter
from typing import Any

import pytest

from application.migrate_orders import MigrateOrder
from domain.access import LOCAL_ADMIN
from domain.errors import NodeExecutionError, PromptNotFound
from domain.ids import DEFAULT_TENANT, ContentHash, ThreadId
from domain.json import Json
from domain.ports.nodes import Finished, NodeContext, Outcome
from domain.prompt import PromptVersion, Rollout
from domain.run import events
from infrastructure.canonical import content_hash
from tests.documents import Document, document
from tests.unit.application.engine.stage import Stage
from tests.unit.application.engine.test_continuing import gone_on, position_of
from tests.unit.application.engine.test_migrating import migration

USING: Document = {"kind": "act", "prompt": {"use": "answer"}, "writes": {"said": "${output}"}}
SAID: Document = {"said": {"type": "array", "merge": "append", "default": []}}
TWICE = document({"a": USING, "nap": {"kind": "wait", "seconds": 600}, "b": USING}, ["start > a", "a > nap", "nap > b"], state=SAID)


async def published(stage: Stage, text: str, name: str = "answer", **more: Any) -> PromptVersion:
    written = {"prompt": name, "text": text, **more}
    version = PromptVersion(DEFAULT_TENANT, name, 0, ContentHash(content_hash(written)), written, "ada", stage.clock.now())
    return (await stage.store.prompts.publish(version))[0]


async def say(context: NodeContext) -> Outcome:
    (message,) = context.prompts["answer"]({})
    return Finished(message["content"])


@pytest.fixture(autouse=True)
async def one(stage: Stage) -> None:
    stage.does(a=say, b=say)
    await published(stage, "one")


async def test_what_is_published_while_it_sleeps_is_not_for_it(stage: Stage) -> None:
    asleep = await stage.play(TWICE)
    await published(stage, "two")
    await stage.clock.sleep(600)
    await stage.engine.drive(await stage.open())

    assert (await stage.run(asleep.id)).output == {"said": ["one", "one"]}
    assert (await stage.play_to_the_end(TWICE)).output == {"said": ["two", "two"]}


async def test_its_first_row_says_which_version_it_has(stage: Stage) -> None:
    run = await stage.play(TWICE)
    (begun,) = [row for row in await stage.rows(run.id) if isinstance(row, events.RunStarted)]

    assert begun.versions == {"prompt:answer": "1"}


async def test_a_version_that_is_named_is_that_one(stage: Stage) -> None:
    await published(stage, "two")

    async def first(context: NodeContext) -> Outcome:
        return Finished(context.prompts["answer@1"]({})[0]["content"])

    stage.does(a=first)
    pinned = {**USING, "prompt": {"use": "answer@1"}}
    run = await stage.play(document({"a": pinned}, ["start > a"], state=SAID))

    assert run.output == {"said": ["one"]}


async def test_a_retry_renders_the_same_version(stage: Stage) -> None:
    seen: list[Json] = []

    async def once_failing(context: NodeContext) -> Outcome:
        seen.append(context.prompts["answer"]({})[0]["content"])
        await published(stage, "two")
        if len(seen) == 1:
            raise NodeExecutionError("not yet", retryable=True)
        return Finished(seen[-1])

    stage.does(a=once_failing)
    node = {**USING, "retry": {"attempts": 2, "first_seconds": 100}}
    run = await stage.play_to_the_end(document({"a": node}, ["start > a"], state=SAID))

    assert (run.output, seen) == ({"said": ["one"]}, ["one", "one"])


async def test_a_branch_goes_on_with_the_version_of_its_parent(stage: Stage) -> None:
    first = await stage.play_to_the_end(TWICE)
    await published(stage, "two")
    branch = await gone_on(stage, first, await position_of(stage, first, "node_finished", "/a"))
    await stage.clock.sleep(600)
    await stage.engine.drive(await stage.open())

    assert (await stage.run(branch.id)).output == {"said": ["one", "one"]}


async def test_inner_graphs_and_the_workflows_it_runs_have_the_same_version(stage: Stage) -> None:
    inner = document({"b": USING}, ["start > b"], state=SAID)
    await stage.publish({**inner, "name": "other"})
    graph = {key: inner[key] for key in ("state", "nodes", "edges")}
    nodes = {
        "each": {"kind": "map", "over": [1], "graph": graph, "writes": {"said": "${output}"}},
        "run": {"kind": "workflow", "workflow": "other", "writes": {"said": "${output}"}},
    }
    run = await stage.play(document(nodes, ["start > each", "each > run"], state=SAID))

    assert run.output == {"said": [{"said": ["one"]}, {"said": ["one"]}]}


async def test_threads_are_spread_over_a_rollout_and_each_keeps_its_version(stage: Stage) -> None:
    await published(stage, "two")
    await stage.store.prompts.roll_out(DEFAULT_TENANT, "answer", Rollout({1: 50, 2: 50}))
    once = document({"a": USING}, ["start > a"], state={"said": {"type": "string"}})
    runs = [await stage.play(once) for _ in range(40)]
    again = [await stage.play(once, None, ThreadId(run.thread)) for run in runs[:5]]

    assert set(Counter(str(run.output) for run in runs)) == {"{'said': 'one'}", "{'said': 'two'}"}
    assert [run.output for run in again] == [run.output for run in runs[:5]]


async def test_a_run_whose_prompt_is_not_there_cannot_be_opened_and_says_so(stage: Stage) -> None:
    await stage.order(document({"a": {**USING, "prompt": {"use": "answer@7"}}}, ["start > a"], state=SAID))

    with pytest.raises(PromptNotFound, match="there is no answer@7; known versions: 1"):
        await stage.open()


async def test_a_run_that_moves_to_another_version_of_its_workflow_keeps_its_prompts(stage: Stage) -> None:
    await stage.publish(TWICE)
    asleep = await stage.play(TWICE)
    await published(stage, "two")
    more = {**TWICE, "version": "2.0.0", "nodes": {**TWICE["nodes"], "b": {**USING, "prompt": {"use": "answer"}, "description": "new"}}}
    await stage.publish(more)
    page = await migration(stage)(LOCAL_ADMIN, MigrateOrder.model_validate({"from": "w@1.0.0", "to": "w@2.0.0"}))
    await stage.clock.sleep(600)
    await stage.engine.drive(await stage.open())

    assert [one.status.value for one in page.items] == ["moved"]
    assert (await stage.run(asleep.id)).output == {"said": ["one", "one"]}

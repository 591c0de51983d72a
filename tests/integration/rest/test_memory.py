"""What one run remembers and another recalls, through the real engine, worker and database."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.rest.site import Site, open_site
from tests.integration.rest.test_with_a_worker import WAIT, graph


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with open_site(tmp_path) as opened:
        yield opened


def learner(scope: str, name: str = "learner") -> dict[str, Any]:
    """Answers what was there, and keeps its input."""
    nodes = {
        "look": {"kind": "tool", "tool": "recall", "arguments": {"key": "last", "scope": scope}, "writes": {"before": "${output.value}"}},
        "keep": {"kind": "tool", "tool": "remember", "arguments": {"key": "last", "value": "${input.message}", "scope": scope}},
    }
    return graph(name, nodes, "start look keep end", state={"before": {}}, output={"before": "${state.before}"})


async def outputs(site: Site, workflow: str, *orders: dict[str, Any]) -> list[Any]:
    runs = [await site.start(workflow, WAIT, **order) for order in orders]
    assert [run["error"] for run in runs] == [None] * len(orders)
    return [run["output"]["before"] for run in runs]


async def test_a_run_of_a_workflow_knows_what_the_one_before_remembered(site: Site) -> None:
    await site.publish(learner("workflow"), learner("workflow", "other"))
    async with site.working():
        found = await outputs(site, "learner", {"input": {"message": "a"}}, {"input": {"message": "b"}}, {"input": {"message": "c"}})
        strange = await outputs(site, "other", {"input": {"message": "d"}})

    assert (found, strange) == ([None, "a", "b"], [None])
    assert (await site.call("GET", "/v1/items/workflow/learner/last")).json()["value"] == "c"


async def test_a_user_is_known_again_in_another_session(site: Site) -> None:
    await site.publish(learner("user"))
    users = ("ann", "bob", "ann")
    sessions = [(await site.call("POST", "/v1/sessions", json={"user_id": user})).json()["id"] for user in users]
    async with site.working():
        found = await outputs(site, "learner", *({"input": {"message": f"by {one}"}, "session_id": one} for one in sessions))

    assert found == [None, None, f"by {sessions[0]}"]


async def test_outside_a_session_there_is_no_user_to_remember_for(site: Site) -> None:
    await site.publish(learner("user"))
    async with site.working():
        run = await site.start("learner", WAIT, input={"message": "a"})

    assert (run["status"], run["error"]["code"], run["error"]["node"]) == ("failed", "scope_missing", "look")


async def test_a_tool_is_called_outside_a_run_in_the_scope_of_the_tenant(site: Site) -> None:
    arguments = {"key": "colour", "value": "blue", "scope": "tenant"}
    answer = (await site.call("POST", "/v1/tools/remember/call", json={"arguments": arguments})).json()

    assert answer["output"] == {"namespace": "tenant", "key": "colour", "version": 1}
    assert (await site.call("GET", "/v1/items/tenant/colour")).json()["value"] == "blue"

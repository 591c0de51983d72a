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


RECALL = "${recall('colour')}"


def recalling(**changed: Any) -> dict[str, Any]:
    nodes = {"look": {"kind": "transform", "writes": {"colour": RECALL}, **changed.pop("look", {})}}
    whole = graph("recalling", nodes, "start look end", state={"colour": {}}, output={"colour": "${state.colour}"})
    return {**whole, **changed}


async def test_an_expression_recalls_what_was_put_by_rest(site: Site) -> None:
    await site.publish(recalling())
    await site.call("PUT", "/v1/items/workflow/recalling/colour", json={"value": "blue"})
    async with site.working():
        run = await site.start("recalling", WAIT)

    assert run["output"] == {"colour": "blue"}


async def test_arguments_of_a_tool_recall(site: Site) -> None:
    look = {"kind": "tool", "tool": "calculator", "arguments": {"expression": "${recall('sum', 'tenant') + ' + 1'}"}}
    await site.publish(recalling(look={**look, "writes": {"colour": "${output.result}"}}))
    await site.call("PUT", "/v1/items/tenant/sum", json={"value": "41"})
    async with site.working():
        run = await site.start("recalling", WAIT)

    assert run["output"] == {"colour": 42}


@pytest.mark.parametrize(
    ("call", "told"),
    [
        pytest.param("recall(state.colour)", "written as a string", id="a key that is computed"),
        pytest.param("recall('a' + 'b')", "written as a string", id="a key that is put together"),
        pytest.param("recall()", "written as a string", id="no key"),
        pytest.param("recall('a', 'user', 'b')", "written as a string", id="too many arguments"),
        pytest.param("recall(b'a')", "written as a string", id="bytes"),
        pytest.param("state.recall('a')", "written as a string", id="a method"),
        pytest.param("recall('a', 'everybody')", "there is no scope", id="a scope that there is not"),
        pytest.param("recall('a//b')", "is no item", id="an empty name"),
        pytest.param("recall('a\"b')", "quotes", id="quotes in a key"),
        pytest.param("recall('a/b/c/d/e/f/g/h/i/j')", "at most 8 names", id="a namespace too deep"),
        pytest.param("weft_recalled['workflow:a']", "are ours", id="what calls are replaced by"),
    ],
)
async def test_what_cannot_be_recalled_is_refused_when_it_is_published(site: Site, call: str, told: str) -> None:
    answer = await site.call("POST", "/v1/workflows", json=recalling(look={"writes": {"colour": f"${{{call}}}"}}))

    (problem,) = answer.json()["problems"]
    assert (answer.status_code, problem["pointer"], problem["code"]) == (422, "/nodes/look/writes/colour", "expression_error")
    assert told in problem["message"]


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"output": {"colour": RECALL}}, "/output/colour"),
        ({"edges": [{"from": "start", "to": "look"}, {"from": "look", "to": "end", "when": RECALL[2:-1]}]}, "/edges/1/when"),
        ({"edges": [{"from": "start", "to": "look", "when": RECALL[2:-1]}]}, "/edges/0/when"),
        ({"edges": [{"from": "start", "to": "look"}, {"from": "look", "to": RECALL, "targets": ["end"]}]}, "/edges/1/to"),
        ({"flow": {"concurrency": {"key": RECALL, "limit": 1}}}, "/flow/concurrency/key"),
    ],
)
async def test_outside_of_nodes_nothing_recalls(site: Site, changed: dict[str, Any], pointer: str) -> None:
    answer = await site.call("POST", "/v1/workflows/validate", json=recalling(**changed))

    problems = [problem for problem in answer.json()["problems"] if problem["pointer"] == pointer]
    assert [(problem["code"], "let one write it to a channel" in problem["message"]) for problem in problems] == [("unknown_name", True)]


@pytest.mark.parametrize(("count", "codes"), [(50, []), (51, ["too_many_items"])])
async def test_a_node_recalls_so_many_items_and_no_more(site: Site, count: int, codes: list[str]) -> None:
    many = [f"${{recall('{number}')}}" for number in range(count)]
    answer = await site.call("POST", "/v1/workflows/validate", json=recalling(look={"writes": {"colour": [*many, *many]}}))

    assert [(problem["pointer"], problem["code"]) for problem in answer.json()["problems"]] == [("/nodes/look", code) for code in codes]

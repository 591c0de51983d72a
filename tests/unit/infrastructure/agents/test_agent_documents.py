"""What is wrong with how an agent is written is said where it is, before anything runs."""

from typing import Any

import pytest

from application.access import LOCAL_ADMIN
from application.documents import parse_graph
from application.explaining import PolicyQuestion
from application.named_tools import names_tools
from application.validation import Validate
from bootstrap import open_app
from domain.graph.permitted import permissions_of_agent
from settings import OFFLINE_ALIASES, Settings, read_settings
from tests.documents import OurKinds, document, workshop


def agent(**keys: Any) -> dict[str, Any]:
    return {"kind": "agent", "model": "fast", "prompt": "Go.", **keys}


OTHER = {"description": "another one"}
LOOKUP = {"tool": "lookup", "name": "search"}


@pytest.mark.parametrize(
    ("node", "found"),
    [
        pytest.param(agent(), set(), id="nothing more than a model and a prompt"),
        pytest.param(
            agent(tools=["lookup", LOOKUP], handoffs={"b": {**OTHER, "tools": [LOOKUP], "handoffs": ["a"]}}, approvals={"search": "ask"}),
            set(),
            id="a team",
        ),
        pytest.param(agent(model="slow"), {("/nodes/a/model", "unknown_model")}, id="a model that there is not"),
        pytest.param(agent(tools=["hammer"]), {("/nodes/a/tools/0", "unknown_tool")}, id="a tool that there is not"),
        pytest.param(agent(tools=["lookup", "lookup"]), {("/nodes/a/tools/1", "name_taken")}, id="two tools of one name"),
        pytest.param(agent(tools=[{**LOOKUP, "name": "update_plan"}]), {("/nodes/a/tools/0", "name_taken")}, id="a name of ours"),
        pytest.param(agent(tools=[{**LOOKUP, "name": "a.b"}]), {("/nodes/a/tools/0", None)}, id="a name that providers refuse"),
        pytest.param(
            agent(tools=[{**LOOKUP, "arguments": {"x": "${state.nope}"}}]),
            {("/nodes/a/tools/0/arguments/x", "unknown_channel")},
            id="an argument from nowhere",
        ),
        pytest.param(agent(instructions="{{ nope"), {("/nodes/a/instructions", "expression_error")}, id="instructions that do not parse"),
        pytest.param(agent(approvals={"lookup": "ask"}), {("/nodes/a/approvals/lookup", "unknown_tool")}, id="approval of no tool"),
        pytest.param(agent(approvals={"lookup": "maybe"}), {("/nodes/a/approvals/lookup", None)}, id="no such consent"),
        pytest.param(
            agent(approval={"on_deadline": "default"}),
            {("/nodes/a/approval/on_deadline", "no_default")},
            id="nothing is approved by default",
        ),
        pytest.param(agent(handoffs={"a": OTHER}), {("/nodes/a/handoffs/a", "name_taken")}, id="another one of its own name"),
        pytest.param(
            agent(handoffs={"b": {**OTHER, "handoffs": ["c"], "model": "slow"}}),
            {("/nodes/a/handoffs/b/handoffs/0", "unknown_agent"), ("/nodes/a/handoffs/b/model", "unknown_model")},
            id="handing on to nobody",
        ),
        pytest.param(agent(max_turns=0), {("/nodes/a/max_turns", None)}, id="no turns"),
        pytest.param(agent(max_turns=1001), {("/nodes/a/max_turns", None)}, id="turns without end"),
        pytest.param(agent(max_cost_usd="a lot"), {("/nodes/a/max_cost_usd", None)}, id="no amount of money"),
        pytest.param(agent(max_cost_usd=1e300), {("/nodes/a/max_cost_usd", None)}, id="more money than there is"),
        pytest.param(agent(response_schema={"type": "tree"}), {("/nodes/a/response_schema/type", None)}, id="no schema"),
        pytest.param(agent(messages="${state.m}"), {("/nodes/a", None)}, id="a prompt and messages"),
    ],
)
def test_what_is_wrong_is_said_where_it_is(node: dict[str, Any], found: set[tuple[str, str | None]]) -> None:
    said = Validate(OurKinds(), workshop())(document({"a": node}, ["start > a"], state={"m": {"type": "array"}}))
    codes = {problem.pointer: problem.code for problem in said.problems}

    assert set(codes) == {pointer for pointer, _ in found}
    assert all(code in (None, codes[pointer]) for pointer, code in found)


@pytest.mark.parametrize(
    ("tools", "pointers"),
    [(["lookup"], ["/nodes/a/tools/0"]), ([LOOKUP], ["/nodes/a/tools/0"]), ([], [])],
)
def test_a_tool_that_the_workflow_does_not_permit_is_a_mistake(tools: list[Any], pointers: list[str]) -> None:
    node = agent(tools=tools, handoffs={"b": {**OTHER, "tools": tools}})
    said = Validate(OurKinds(), workshop())(document({"a": node}, ["start > a"], permissions=["mail.*"]))

    assert [problem.pointer for problem in said.problems if problem.code == "not_permitted"] == sorted(
        [*pointers, *(pointer.replace("/a/", "/a/handoffs/b/") for pointer in pointers)]
    )


def test_a_workflow_in_which_only_another_agent_has_tools_names_some() -> None:
    assert names_tools(document({"a": agent(handoffs={"b": {**OTHER, "tools": ["lookup"]}})}))
    assert not names_tools(document({"a": agent()}))


TEAM = agent(tools=["lookup", LOOKUP], handoffs={"b": {**OTHER, "tools": ["pay"]}, "c": OTHER})


@pytest.mark.parametrize(
    ("name", "permissions"),
    [
        pytest.param("desk_lead", ("lookup",), id="the one that begins, as its node is called"),
        pytest.param("b", ("pay",), id="one that is handed over to"),
        pytest.param("c", (), id="one without tools"),
        pytest.param("desk.lead", None, id="nobody"),
    ],
)
def test_an_agent_may_call_the_tools_it_lists_wherever_in_a_graph_it_stands(name: str, permissions: tuple[str, ...] | None) -> None:
    inner = {"nodes": {"desk.lead": TEAM}, "edges": [{"from": "start", "to": "desk.lead"}]}
    each = {"kind": "map", "over": "${[1]}", "graph": inner}

    assert permissions_of_agent(parse_graph(document({"each": each}, ["start > each"])), name) == permissions


def offline() -> Settings:
    return read_settings(database_url="memory:", models=OFFLINE_ALIASES, log="warning")


@pytest.mark.parametrize(("tool", "effect"), [("calculator", "allow"), ("datetime", "deny")])
async def test_a_decision_about_an_agent_is_explained_by_its_list(tool: str, effect: str) -> None:
    async with open_app(offline()) as app:
        await app.desk.publish_workflow(LOCAL_ADMIN, document({"a": agent(tools=["calculator"])}, ["start > a"]))
        found = await app.desk.policy.check(LOCAL_ADMIN, PolicyQuestion(tool=tool, workflow="w", agent="a"))

    assert (found.effect, found.links[-1].link, found.links[-1].effect) == (effect, "agent a", effect)

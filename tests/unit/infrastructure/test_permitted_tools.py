"""A tool that the session of a run does not allow is neither announced nor called."""

from dataclasses import replace

import pytest

from domain.acting import Acting
from domain.audit import Deed
from domain.errors import DatabaseError, Forbidden
from domain.graph.definition import Node
from domain.ids import ActivationPath, NodeId, RunId, SessionId, TenantId
from domain.json import JsonObject
from domain.ports.nodes import NodeContext, Workshop
from domain.ports.tools import ToolContext
from domain.tool import Effects, Tool, ToolMetadata, ToolType
from infrastructure.clock import SystemClock
from infrastructure.expressions import CelExpressions
from infrastructure.nodes import tool as tool_kind
from infrastructure.schemas import JsonSchemas
from infrastructure.templates import JinjaTemplates
from infrastructure.tools.catalog import TenantTools
from infrastructure.tools.runnable import RunnableTool
from infrastructure.unaudited import Unaudited
from tests.fakes import OneModel
from tests.toolbox import tools_of
from tests.unit.infrastructure.tool_calls import HandClock

CALL = ToolContext(TenantId("t"), "key")
PAY = Node(NodeId("pay"), "tool", {"tool": "pay"})


def acting(*permissions: str) -> Acting:
    return Acting(SessionId("s"), "ada", permissions)


@pytest.fixture
def calls() -> list[JsonObject]:
    return []


@pytest.fixture
def tools(calls: list[JsonObject]) -> TenantTools:
    async def run(arguments: JsonObject, context: ToolContext) -> str:
        calls.append(arguments)
        return "paid"

    pay = Tool("pay", ToolType.NATIVE, {"type": "object"}, ToolMetadata("Pays."), effects=Effects.ONCE)
    return tools_of(SystemClock(), [RunnableTool(pay, run)])


def context(who: Acting | None) -> NodeContext:
    return NodeContext(TenantId("t"), RunId("r"), ActivationPath("/pay#1"), 1, {}, lambda: 0.0, lambda text: None, None, who)


async def test_a_call_that_is_not_allowed_is_answered_with_a_failure_and_not_made(tools: TenantTools, calls: list[JsonObject]) -> None:
    refused = await tools.call("pay", {}, replace(CALL, acting=acting("mail")))

    assert refused.error is not None
    assert (refused.error.code, refused.error.retryable, refused.unknown) == ("forbidden", False, False)
    assert "pay" in refused.error.message
    assert calls == []


@pytest.mark.parametrize("who", [None, acting("pay"), acting("p*"), Acting(SessionId("s"), "ada")])
async def test_a_call_that_is_allowed_is_made(tools: TenantTools, calls: list[JsonObject], who: Acting | None) -> None:
    answer = await tools.call("pay", {}, replace(CALL, acting=who))

    assert (answer.output, len(calls)) == ("paid", 1)


def test_a_call_that_may_happen_once_is_not_announced_when_it_is_not_allowed(tools: TenantTools) -> None:
    workshop = Workshop(CelExpressions(), JinjaTemplates(), JsonSchemas(), OneModel(), tools)
    intend = tool_kind.kind.build(PAY, workshop).intend

    assert intend is not None
    assert intend(context(acting("pay"))).tool == "pay"
    with pytest.raises(Forbidden):
        intend(context(acting()))


class AwayTwice(Unaudited):
    """The database answers at the third time."""

    def __init__(self) -> None:
        self.asked = 0

    async def record(self, deed: Deed) -> None:
        self.asked += 1
        if self.asked < 3:
            raise DatabaseError("nobody answers")


async def test_a_run_waits_until_its_call_stands_on_record(calls: list[JsonObject]) -> None:
    async def run(arguments: JsonObject, context: ToolContext) -> str:
        calls.append(arguments)
        return "paid"

    trail, clock = AwayTwice(), HandClock()
    pay = Tool("pay", ToolType.NATIVE, {"type": "object"}, ToolMetadata("Pays."), effects=Effects.ONCE)
    tools = tools_of(clock, [RunnableTool(pay, run)], trail=trail)

    by_hand = await tools.call("pay", {}, replace(CALL, caller="ann"))
    assert (by_hand.error.code if by_hand.error else "", calls) == ("not_recorded", [])

    trail.asked = 0
    in_a_run = await tools.call("pay", {}, replace(CALL, run=RunId("r")))
    assert (in_a_run.output, trail.asked, len(calls), len(clock.slept)) == ("paid", 3, 1, 2)

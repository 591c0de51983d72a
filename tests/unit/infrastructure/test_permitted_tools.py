"""A tool that the session of a run does not allow is neither announced nor called."""

from dataclasses import replace

import pytest

from domain.acting import Acting
from domain.audit import Deed
from domain.errors import DatabaseError, Forbidden, RepositoryError
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


class Away(Unaudited):
    """The database answers after so many times, if ever; a chain that is `broken` never takes anything."""

    def __init__(self, times: float, *, broken: bool = False) -> None:
        self.times, self.broken, self.asked = times, broken, 0

    async def record(self, deed: Deed) -> None:
        self.asked += 1
        if self.broken:
            raise RepositoryError("the chain is broken")
        if self.asked <= self.times:
            raise DatabaseError("nobody answers")


BY_HAND, IN_A_RUN = replace(CALL, caller="ann"), replace(CALL, run=RunId("r"), deadline_seconds=10.0)


@pytest.mark.parametrize(
    ("trail", "call", "told", "asked"),
    [
        pytest.param(Away(2), BY_HAND, "not_recorded", 1, id="a call by hand is told at once"),
        pytest.param(Away(2), IN_A_RUN, "paid", 3, id="a run waits until it stands on record"),
        pytest.param(Away(float("inf")), IN_A_RUN, "not_recorded", 19, id="as long as its call has time"),
        pytest.param(Away(0, broken=True), IN_A_RUN, "not_recorded", 1, id="nobody waits for a chain that is broken"),
    ],
)
async def test_what_cannot_be_put_on_record_is_not_done(
    calls: list[JsonObject], trail: Away, call: ToolContext, told: str, asked: int
) -> None:
    async def run(arguments: JsonObject, context: ToolContext) -> str:
        calls.append(arguments)
        return "paid"

    pay = Tool("pay", ToolType.NATIVE, {"type": "object"}, ToolMetadata("Pays."), effects=Effects.ONCE)
    result = await tools_of(HandClock(), [RunnableTool(pay, run)], trail=trail).call("pay", {}, call)

    assert (result.error.code if result.error else result.output, trail.asked, result.unknown) == (told, asked, False)
    assert len(calls) == (told == "paid")

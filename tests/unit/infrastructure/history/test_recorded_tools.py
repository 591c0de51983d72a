"""What a tool was called with stands in the history, and what it returned."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from domain.access import Role
from domain.acting import Acting
from domain.errors import Failure, ToolNotFound
from domain.history import Capture, RecordType
from domain.ids import RunId, SessionId, TenantId
from domain.json import JsonObject
from domain.ports.tools import ToolContext
from domain.tool import ToolExecutionResult
from domain.usage import Money
from infrastructure.history.tools import RecordedTools, ToolHistory
from infrastructure.ids import new_id
from tests.unit.infrastructure.history.test_recorded_models import Noted
from tests.virtual_time import VirtualClock

ACME = TenantId("acme")
IN_A_RUN = ToolContext(ACME, "k", RunId("r"), "/say#1", acting=Acting(SessionId("s"), "ann"), workflow="talk@1.0.0", capture=Capture.ON)
BY_HAND = ToolContext(ACME, "k", caller="bob", role=Role.OPERATOR)


class Answering:
    def __init__(self, answer: ToolExecutionResult | Exception) -> None:
        self.answer = answer

    async def call(self, name: str, arguments: JsonObject, context: ToolContext) -> ToolExecutionResult:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def noted() -> Noted:
    return Noted()


def recorded(noted: Noted, answer: ToolExecutionResult | Exception, usual: Capture = Capture.ON) -> RecordedTools:
    tools: Any = Answering(answer)
    return RecordedTools(tools, ToolHistory(noted, new_id, VirtualClock(), usual))  # type: ignore[arg-type]


async def test_a_call_of_a_run_stands_there_with_all_that_was_said(noted: Noted) -> None:
    answer = ToolExecutionResult({"n": 4}, execution_time=0.25, cost=Money(Decimal("0.01")))
    assert await recorded(noted, answer).call("double", {"n": 2}, IN_A_RUN) == answer

    ((record, said, capture),) = noted.found
    assert (record.record_type, record.run, record.user_id, record.session_id) == (RecordType.TOOL_EXECUTION, "r", "ann", "s")
    assert record.data == {
        "workflow": "talk@1.0.0",
        "activation": "/say#1",
        "tool": "double",
        "success": True,
        "seconds": 0.25,
        "cost": {"amount": "0.01", "currency": "USD"},
    }
    assert (said, capture) == ({"arguments": {"n": 2}, "output": {"n": 4}}, Capture.ON)


async def test_a_call_that_fails_says_why(noted: Noted) -> None:
    await recorded(noted, ToolExecutionResult(error=Failure("too_big", "a hundred is the most"), unknown=True)).call("double", {}, IN_A_RUN)

    record, said, _ = noted.found[0]
    assert {"success": False, "error": "too_big", "unknown": True}.items() <= record.data.items()
    assert said == {"arguments": {}, "error": "a hundred is the most"}


async def test_a_tool_that_there_is_not_stands_there_too(noted: Noted) -> None:
    with pytest.raises(ToolNotFound):
        await recorded(noted, ToolNotFound("no tool nothing")).call("nothing", {}, IN_A_RUN)

    assert noted.records[0].data["error"] == "tool_not_found"


@pytest.mark.parametrize(
    ("context", "kept"),
    [
        pytest.param(replace(IN_A_RUN, capture=Capture.OFF), Capture.OFF, id="a run keeps what its workflow says"),
        pytest.param(replace(IN_A_RUN, capture=None), Capture.OFF, id="a run of which nobody says anything keeps nothing"),
        pytest.param(BY_HAND, Capture.HASHED, id="a call by hand keeps what is usual"),
    ],
)
async def test_how_much_is_kept(noted: Noted, context: ToolContext, kept: Capture) -> None:
    await recorded(noted, ToolExecutionResult(1), Capture.HASHED).call("double", {}, context)

    assert noted.found[0][2] is kept


async def test_a_call_by_hand_says_whose(noted: Noted) -> None:
    await recorded(noted, ToolExecutionResult(1)).call("double", {}, BY_HAND)

    assert (noted.records[0].run, noted.records[0].data["caller"]) == (None, "bob")

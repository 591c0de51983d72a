"""A tool that must not be called twice is called once under a key, whatever happens to the answer."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from application.charging import ChargeByHand
from application.keyed_calls import MOST_ATTEMPTS, MOST_KEPT, CallOnce
from application.once import Once
from application.tools import ToolCallOrder, ToolDesk
from application.views import ToolResultView
from domain.access import Principal, Role
from domain.errors import DatabaseError, Failure, IdempotencyConflict
from domain.ids import TenantId
from domain.json import Json, JsonObject
from domain.ports.tools import ToolContext
from domain.tool import Effects, Tool, ToolExecutionResult, ToolMetadata, ToolType
from infrastructure.clock import SystemClock
from infrastructure.ids import new_id
from infrastructure.store.memory.open import open_memory
from infrastructure.store.store import Store
from infrastructure.telemetry.unmetered import Unmetered
from tests.toolbox import SameForAll

ADA, BOB = (Principal(TenantId("acme"), Role.OPERATOR, name) for name in ("ada", "bob"))


@dataclass
class Till:
    """A tool that charges. `answers`: what it says, call by call; then how often it was called."""

    effects: Effects = Effects.ONCE
    answers: list[Any] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    is_called: asyncio.Event = field(default_factory=asyncio.Event)

    async def call(self, name: str, arguments: JsonObject, context: ToolContext) -> ToolExecutionResult:
        self.keys.append(context.idempotency_key)
        self.is_called.set()
        answer = self.answers.pop(0) if self.answers else ToolExecutionResult(f"charged {len(self.keys)} times", execution_time=0.5)
        if isinstance(answer, BaseException):
            raise answer
        return await answer.wait() and ToolExecutionResult() if isinstance(answer, asyncio.Event) else answer

    def get(self, name: str) -> Tool:
        return Tool(name, ToolType.NATIVE, {"type": "object"}, ToolMetadata("Charges."), effects=self.effects)

    def list(self) -> Any:
        return [self.get("charge")]

    def must_be_allowed(self, name: str, context: ToolContext) -> bool:
        return True


@dataclass
class Hand:
    store: Store
    till: Till
    desk: ToolDesk

    async def __call__(self, amount: Json = 5, key: str | None = "k1", who: Principal = ADA, name: str = "charge") -> ToolResultView:
        return await self.desk.call(who, name, ToolCallOrder(arguments={"amount": amount}), key)


@pytest.fixture
async def call() -> AsyncIterator[Hand]:
    clock, till = SystemClock(), Till()
    async with open_memory(clock=clock) as store:
        charge = ChargeByHand(store.usage, Unmetered(), new_id, clock)
        desk = ToolDesk(SameForAll(till), store.registered, CallOnce(Once(store.marks, clock), new_id), charge, new_id, clock)
        yield Hand(store, till, desk)


def code(view: ToolResultView) -> str:
    return view.error.code if view.error else ""


async def test_a_call_that_is_sent_again_charges_once_and_is_answered_alike(call: Hand) -> None:
    first, again = await call(), await call()

    assert first == again
    assert (first.output, first.execution_time, len(call.till.keys)) == ("charged 1 times", 0.5, 1)


async def test_another_body_or_another_tool_under_the_same_key_is_a_conflict(call: Hand) -> None:
    await call()
    others: list[dict[str, Any]] = [{"amount": 6}, {"name": "refund"}]
    for other in others:
        with pytest.raises(IdempotencyConflict, match="the key k1 of ada came before"):
            await call(**other)
    assert len(call.till.keys) == 1


async def test_two_callers_may_use_the_same_key(call: Hand) -> None:
    assert [(await call(who=who)).output for who in (ADA, BOB)] == ["charged 1 times", "charged 2 times"]
    assert len(set(call.till.keys)) == 2


async def test_callers_of_an_idempotent_tool_do_not_meet_and_each_comes_again_under_one_key(call: Hand) -> None:
    call.till.effects = Effects.IDEMPOTENT
    for who in (ADA, ADA, BOB):
        await call(who=who)

    first, again, other = call.till.keys
    assert (first == again, first == other) == (True, False)


async def test_while_it_is_under_way_and_when_it_was_lost_the_outcome_is_unknown_and_it_is_not_called(call: Hand) -> None:
    call.till.answers = [asyncio.Event()]
    calling = asyncio.create_task(call())
    await call.till.is_called.wait()
    under_way = await call()
    calling.cancel()
    await asyncio.gather(calling, return_exceptions=True)
    lost = await call()

    assert (code(under_way), code(lost), len(call.till.keys)) == ("unknown_outcome", "unknown_outcome", 1)


async def test_of_many_at_once_one_calls(call: Hand) -> None:
    views = await asyncio.gather(*(call() for _ in range(20)))

    assert len(call.till.keys) == 1
    assert {code(view) for view in views} <= {"", "unknown_outcome"}


async def test_a_failure_of_which_nobody_knows_whether_it_was_done_is_kept(call: Hand) -> None:
    call.till.answers = [ToolExecutionResult(error=Failure("timeout", "no answer", retryable=True), unknown=True)]

    assert [code(await call()) for _ in range(3)] == ["timeout"] * 3
    assert len(call.till.keys) == 1


async def test_after_a_failure_that_did_nothing_it_is_called_again_a_number_of_times(call: Hand) -> None:
    refused = ToolExecutionResult(error=Failure("not_recorded", "not called"))
    call.till.answers = [refused, refused]
    views = [await call() for _ in range(4)]
    assert [code(view) or view.output for view in views] == ["not_recorded", "not_recorded", "charged 3 times", "charged 3 times"]

    call.till.answers = [refused] * 99
    assert {code(await call(key="k2")) for _ in range(MOST_ATTEMPTS + 5)} == {"not_recorded"}
    assert len(call.till.keys) == 3 + MOST_ATTEMPTS


async def test_of_an_answer_too_long_to_keep_it_is_kept_that_there_was_one(call: Hand) -> None:
    call.till.answers = [ToolExecutionResult("x" * MOST_KEPT)]

    assert [code(await call()) for _ in range(2)] == ["", "result_not_kept"]
    assert len(call.till.keys) == 1


async def test_an_answer_that_cannot_be_kept_is_told_all_the_same(call: Hand) -> None:
    class Forgetful:
        def __init__(self, marks: Any) -> None:
            self.known, self.take_well = marks.known, marks.take

        async def take(self, tenant: TenantId, mark: Any, subject: str) -> str:
            if mark.key.startswith("ending"):
                raise DatabaseError("away")
            return str(await self.take_well(tenant, mark, subject))

    marks: Any = Forgetful(call.store.marks)
    call.desk = replace(call.desk, call_once=CallOnce(Once(marks, SystemClock()), new_id))

    assert [code(await call()) for _ in range(2)] == ["", "unknown_outcome"]


async def test_without_a_key_every_call_is_one(call: Hand) -> None:
    assert [(await call(key=None)).output for _ in range(2)] == ["charged 1 times", "charged 2 times"]

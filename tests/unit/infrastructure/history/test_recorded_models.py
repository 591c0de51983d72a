"""What is asked of a model stands in the history, and what it answered, or why it did not."""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from domain.caller import Caller
from domain.errors import ModelError, ModelNotFound
from domain.history import Capture, HistoryRecord, RecordType
from domain.ids import ActivationPath, RunId, TenantId
from domain.json import JsonObject
from domain.model import FinishReason, ModelRequest, ModelResponse, OnText, ToolCall
from domain.usage import Usage
from infrastructure.history.models import RecordedModels
from infrastructure.ids import new_id
from tests.fakes import OneModel
from tests.virtual_time import VirtualClock

ACME = TenantId("acme")
WHO = Caller(ACME, RunId("r"), ActivationPath("/say#2"), 1, 3, "talk@1.0.0", None, "s", "ann", "answer@3", Capture.ON)
ASKED = ModelRequest("parrot", ({"role": "user", "content": "hello"},), temperature=0.5, seed=7, caller=WHO)


@dataclass
class Noted:
    """Plays the history of a process."""

    found: list[tuple[HistoryRecord, JsonObject, Capture]] = field(default_factory=list)

    def note(self, record: HistoryRecord, content: JsonObject, capture: Capture) -> None:
        self.found.append((record, content, capture))

    @property
    def records(self) -> list[HistoryRecord]:
        return [record for record, _, _ in self.found]


class Failing(OneModel):
    def __init__(self, error: BaseException) -> None:
        self.error = error

    async def complete(self, request: ModelRequest, on_text: OnText | None = None) -> ModelResponse:
        raise self.error


@pytest.fixture
def noted() -> Noted:
    return Noted()


def recorded(noted: Noted, models: Any = None) -> RecordedModels:
    return RecordedModels(models or OneModel(), noted, new_id, VirtualClock())  # type: ignore[arg-type]


async def test_the_request_and_the_answer_are_two_records_that_know_each_other(noted: Noted) -> None:
    answer = await recorded(noted).complete(ASKED)

    (asked, said, capture), (answered, text, _) = noted.found
    assert (asked.record_type, asked.model, said, capture) == (
        RecordType.LLM_REQUEST,
        "parrot",
        {"messages": list(ASKED.messages)},
        Capture.ON,
    )
    assert (answered.record_type, answered.model, text) == (RecordType.LLM_RESPONSE, answer.model, {"text": "hello"})
    assert {(one.tenant, one.run, one.user_id, one.session_id) for one in noted.records} == {(ACME, "r", "ann", "s")}
    place = {"workflow": "talk@1.0.0", "node": "say", "activation": "/say#2", "effect": 1, "attempt": 3, "prompt": "answer@3"}
    assert all(place.items() <= one.data.items() for one in noted.records)
    assert {"messages": 1, "characters": 9, "temperature": 0.5, "seed": 7}.items() <= asked.data.items()
    assert {"request": asked.id, "success": True, "prompt_tokens": 5, "completion_tokens": 5}.items() <= answered.data.items()


async def test_the_request_stands_there_before_it_is_answered(noted: Noted) -> None:
    seen: list[int] = []
    await recorded(noted).complete(ASKED, lambda text: seen.append(len(noted.found)))

    assert seen == [1]


async def test_calls_of_tools_and_json_are_part_of_what_was_said(noted: Noted) -> None:
    class Calling(OneModel):
        async def complete(self, request: ModelRequest, on_text: OnText | None = None) -> ModelResponse:
            call = ToolCall("c1", "search", {"for": "weft"})
            return ModelResponse("", "parrot", FinishReason.TOOL_CALLS, Usage("parrot", 1, 1), (call,), {"a": 1})

    asked = replace(ASKED, response_schema={"type": "object"}, tools=({"name": "search"},))
    await recorded(noted, Calling()).complete(asked)

    assert noted.found[0][1]["response_schema"] == {"type": "object"}
    assert noted.records[0].data["tools"] == 1
    assert noted.found[1][1] == {"text": "", "json": {"a": 1}, "tool_calls": [{"id": "c1", "name": "search", "arguments": {"for": "weft"}}]}


async def test_a_call_that_fails_says_why_and_what_it_used(noted: Noted) -> None:
    error = ModelError("it is full", "model_rate")
    error.__dict__["usage"] = Usage("parrot", 5, 1)
    with pytest.raises(ModelError):
        await recorded(noted, Failing(error)).complete(ASKED)

    record, said, _ = noted.found[1]
    assert {"success": False, "error": "model_rate", "prompt_tokens": 5, "request": noted.records[0].id}.items() <= record.data.items()
    assert said == {"error": "it is full"}


async def test_a_call_that_is_cancelled_says_so(noted: Noted) -> None:
    with pytest.raises(asyncio.CancelledError):
        await recorded(noted, Failing(asyncio.CancelledError())).complete(ASKED)

    assert (noted.records[1].data["error"], noted.found[1][1]) == ("cancelled", {})


async def test_a_model_that_is_not_known_stands_there_too(noted: Noted) -> None:
    with pytest.raises(ModelNotFound):
        await recorded(noted).complete(replace(ASKED, model="nobody"))

    assert noted.records[1].data["error"] == "model_not_found"


async def test_what_no_run_asks_for_keeps_what_is_usual(noted: Noted) -> None:
    models = RecordedModels(OneModel(), noted, new_id, VirtualClock(), Capture.HASHED)  # type: ignore[arg-type]
    await models.complete(replace(ASKED, caller=Caller(ACME, RunId(""), ActivationPath("/draft#1"))))

    assert [(record.run, capture) for record, _, capture in noted.found] == [(None, Capture.HASHED)] * 2


async def test_what_nobody_asks_for_is_in_nobodys_history(noted: Noted) -> None:
    models = recorded(noted)
    await models.complete(replace(ASKED, caller=None))

    assert noted.found == []
    assert models.known("parrot")
    assert models.at_most(ASKED) == OneModel().at_most(ASKED)
    assert models.cards() == OneModel().cards()

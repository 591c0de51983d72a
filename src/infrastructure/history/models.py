"""Models whose calls stand in the history: what was asked before it is answered, and what was answered, or why nothing was."""

from dataclasses import dataclass

from domain.caller import Caller
from domain.history import Capture, HistoryRecord, RecordType, texts_in
from domain.ids import NewId
from domain.json import Json, JsonObject
from domain.model import ModelRequest, ModelResponse, OnText
from domain.ports.clock import Clock
from domain.usage import Usage
from infrastructure.history.writing import GroupedHistory, told
from infrastructure.models.around import Around
from infrastructure.models.documents import call_as_json


@dataclass
class RecordedModels(Around):
    """`domain.ports.models.Models`. What no tenant asks for is in nobody's history. `usual`: how much is kept of what no run asks."""

    history: GroupedHistory
    new_id: NewId
    clock: Clock
    usual: Capture = Capture.ON

    async def complete(self, request: ModelRequest, on_text: OnText | None = None) -> ModelResponse:
        caller = request.caller
        if caller is None:
            return await self.inner.complete(request, on_text)
        asked, began = self._note_request(caller, request), self.clock.monotonic()
        try:
            response = await self.inner.complete(request, on_text)
        except BaseException as error:
            self._note_failure(caller, request, asked, self.clock.monotonic() - began, error)
            raise
        self._note_response(caller, response, asked, self.clock.monotonic() - began)
        return response

    def _note_request(self, caller: Caller, request: ModelRequest) -> str:
        content: dict[str, Json] = {"messages": list(request.messages)}
        if request.response_schema is not None:
            content["response_schema"] = request.response_schema
        facts = {"messages": len(request.messages), "characters": sum(map(len, texts_in(request.messages))), **_parameters(request)}
        return self._note(RecordType.LLM_REQUEST, caller, request.model, facts, content)

    def _note_response(self, caller: Caller, response: ModelResponse, asked: str, seconds: float) -> None:
        content: dict[str, Json] = {"text": response.text}
        if response.json is not None:
            content["json"] = response.json
        if response.tool_calls:
            content["tool_calls"] = [call_as_json(call) for call in response.tool_calls]
        facts: dict[str, Json] = {
            "request": asked,
            "success": True,
            "seconds": round(seconds, 6),
            "characters": len(response.text),
            "tool_calls": len(response.tool_calls),
            "finish_reason": response.finish_reason.value,
            **_used(response.usage),
        }
        self._note(RecordType.LLM_RESPONSE, caller, response.model, facts, content)

    def _note_failure(self, caller: Caller, request: ModelRequest, asked: str, seconds: float, error: BaseException) -> None:
        code, message = told(error)
        used = getattr(error, "usage", None)
        facts: dict[str, Json] = {"request": asked, "success": False, "seconds": round(seconds, 6), "error": code}
        facts |= _used(used) if isinstance(used, Usage) else {}
        self._note(RecordType.LLM_RESPONSE, caller, request.model, facts, {"error": message} if message else {})

    def _note(self, kind: RecordType, caller: Caller, model: str, facts: JsonObject, content: JsonObject) -> str:
        data = {**_place(caller), **facts}
        user, session = caller.user or None, caller.session or None
        record = HistoryRecord(self.new_id(), kind, self.clock.now(), caller.tenant, caller.run or None, user, session, model, data)
        self.history.note(record, content, caller.capture if caller.run else self.usual)
        return record.id


def _place(caller: Caller) -> dict[str, Json]:
    told: dict[str, Json] = {"workflow": caller.workflow, "node": caller.node, "activation": caller.activation}
    told |= {"effect": caller.effect, "attempt": caller.attempt}
    return told | ({"prompt": caller.prompt} if caller.prompt else {})


def _parameters(request: ModelRequest) -> dict[str, Json]:
    """What was asked for beside the messages."""
    names = ("temperature", "max_tokens", "seed")
    told: dict[str, Json] = {name: value for name in names if (value := getattr(request, name)) is not None}
    if request.tools:
        told["tools"] = len(request.tools)
    return told


def _used(usage: Usage) -> dict[str, Json]:
    """Money is in the ledger, and in the records that are read from it."""
    return {"prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens, "estimated": usage.estimated}

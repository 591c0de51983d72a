"""`scripted/NAME`: models that need no network and no key, and answer the same thing to the same question.

What a model says comes from the rules in the request's `options`, then those of the script of that name in the scripts file, then the
built-in model of that name. It streams by words, counts tokens as `tokens.py` says, costs a fixed price, and names itself `scripted/NAME`.
A call uses its prompt's tokens from the first word on: what fails before that is free.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from domain.errors import ModelNotFound
from domain.json import JsonObject
from domain.model import FinishReason, ModelRequest, ModelResponse, OnText, ToolCall
from domain.usage import Usage
from infrastructure.models.failures import charged, model_error, no_answer_in
from infrastructure.models.offline import BUILT_IN, assistant
from infrastructure.models.playing import play
from infrastructure.models.prices import Counted, Price
from infrastructure.models.question import Question
from infrastructure.models.scripts import Heard, Reply, Script, script_from, scripts_in
from infrastructure.models.structured import instance
from infrastructure.models.texts import instructions_in, json_in, shortest_json, text_of
from infrastructure.models.tokens import BYTES_PER_TOKEN, tokens_asked, tokens_in

PREFIX = "scripted"
PRICE = Price.per_million(Decimal("0.15"), Decimal("0.60"))
ASSISTANT = "assistant"
"""The built-in model that uses tools."""
_WORD = re.compile(r"\s*\S+\s*|\s+")

Sleep = Callable[[float], Awaitable[None]]


@dataclass(slots=True)
class _Telling:
    """One answer while it is told: what is meant to be said, and the pieces that were."""

    request: ModelRequest
    pieces: Sequence[str]
    calls: tuple[ToolCall, ...]
    finish: FinishReason
    said: list[str] = field(default_factory=list)
    complete: bool = False

    @property
    def usage(self) -> Usage | None:
        """None as long as nothing was said."""
        if not self.said and not self.complete:
            return None
        calls = sum(tokens_in(call.name) + tokens_in(shortest_json(call.arguments)) for call in self.calls) if self.complete else 0
        counted = Counted(tokens_asked(self.request), tokens_in("".join(self.said)) + calls)
        return Usage(self.request.model, counted.prompt, counted.completion, PRICE.cost(counted))

    def response(self) -> ModelResponse:
        self.complete = True
        usage = self.usage or Usage(self.request.model, 0, 0)
        text = "".join(self.said)
        value = json_in(text) if self.request.response_schema is not None else None
        return ModelResponse(text, self.request.model, self.finish, usage, self.calls, value)


class ScriptedModels:
    """`file` is read at once: what is wrong with it stops the start (`FactoryError`). `chunk_seconds` is the pause between words where no
    rule says another."""

    prefix = PREFIX

    def __init__(self, file: Path | None = None, chunk_seconds: float = 0.0, sleep: Sleep = asyncio.sleep) -> None:
        self._scripts: Mapping[str, Script] = scripts_in(file) if file else {}
        self._chunk_seconds = chunk_seconds
        self._sleep = sleep

    @property
    def names(self) -> Sequence[str]:
        """Every model there is, with its prefix: the built-in ones and those of the file."""
        return [f"{PREFIX}/{name}" for name in sorted({*BUILT_IN, *self._scripts})]

    async def complete(self, request: ModelRequest, on_text: OnText | None = None) -> ModelResponse:
        reply, telling = self._answer(request)
        try:
            async with asyncio.timeout(request.timeout_seconds):
                return await self._tell(reply, telling, on_text)
        except TimeoutError:
            raise charged(no_answer_in(request.timeout_seconds), telling.usage) from None
        except asyncio.CancelledError as cancelled:
            charged(cancelled, telling.usage)
            raise

    async def _tell(self, reply: Reply, telling: _Telling, on_text: OnText | None) -> ModelResponse:
        if reply.delay_seconds:
            await self._sleep(reply.delay_seconds)
        failure, last_word = reply.failure, reply.fail.after_chunks if reply.fail else None
        if failure and not last_word:
            raise failure
        pause = self._chunk_seconds if reply.chunk_seconds is None else reply.chunk_seconds
        for piece in telling.pieces[:last_word]:
            if telling.said:
                await self._sleep(pause)
            telling.said.append(piece)
            if on_text:
                on_text(piece)
        if failure:
            raise charged(failure, telling.usage)
        return telling.response()

    def _answer(self, request: ModelRequest) -> tuple[Reply, _Telling]:
        name = request.model.removeprefix(f"{PREFIX}/")
        if name not in BUILT_IN and name not in self._scripts:
            raise ModelNotFound(f"no scripted model {request.model}; there are {', '.join(self.names)}")
        script = script_from(request.options).over(self._scripts.get(name, Script()))
        reply = script.reply(Heard.of(request.messages))
        return reply, _telling(reply, request, _question(request, script), name)


def _question(request: ModelRequest, script: Script) -> Question:
    asked = [text_of(message) for message in request.messages if message.get("role") != "system"]
    return Question(asked[-1] if asked else "", instructions_in(request.messages), script.keywords)


def _telling(reply: Reply, request: ModelRequest, question: Question, name: str) -> _Telling:
    """What the reply says, else what its built-in model makes of the question, within `stop` and `max_tokens`."""
    if reply.use is not None and reply.use not in BUILT_IN:
        raise model_error("model_bad_request", f"no built-in model {reply.use}; there are {', '.join(BUILT_IN)}")
    calls = _numbered([(call.name, call.arguments) for call in reply.tool_calls])
    if reply.answer is not None:
        return _bounded(reply.answer, calls, request)
    if reply.has_value:
        return _bounded(shortest_json(reply.value), calls, request)
    if calls:
        return _bounded("", calls, request)
    if request.tools and (reply.use or name) == ASSISTANT:
        played = play(request)
        return _bounded(played.text, _numbered(played.calls), request)
    if request.response_schema is not None:
        return _bounded(shortest_json(instance(request.response_schema, question)), calls, request)
    return _bounded(BUILT_IN.get(reply.use or name, assistant)(question), calls, request)


def _numbered(calls: Iterable[tuple[str, JsonObject]]) -> tuple[ToolCall, ...]:
    return tuple(ToolCall(f"call_{number}", name, dict(arguments)) for number, (name, arguments) in enumerate(calls, 1))


def _bounded(text: str, calls: tuple[ToolCall, ...], request: ModelRequest) -> _Telling:
    for stop in request.stop:
        text = text.partition(stop)[0] if stop else text
    pieces = _WORD.findall(text)
    allowed = _within(pieces, request.max_tokens)
    finish = FinishReason.LENGTH if len(allowed) < len(pieces) else FinishReason.TOOL_CALLS if calls else FinishReason.STOP
    return _Telling(request, allowed, calls, finish)


def _within(pieces: Sequence[str], max_tokens: int | None) -> Sequence[str]:
    if max_tokens is None:
        return pieces
    size = 0
    for number, piece in enumerate(pieces):
        size += len(piece.encode())
        if size > max_tokens * BYTES_PER_TOKEN:
            return pieces[:number]
    return pieces

"""How a long conversation is brought under what a model takes, before an `llm` node's call."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field

from domain.conversation import DoesNotFit, Fitted, fitted, said, summarised, summary_of
from domain.errors import NodeExecutionError
from domain.json import Json, JsonObject
from domain.model import ModelRequest, ModelResponse
from infrastructure.models.texts import shortest_json, text_of
from infrastructure.models.tokens import BYTES_PER_TOKEN, tokens_in_message
from infrastructure.nodes.config import NodeConfig

_ASK: Final = "Say in at most {words} words what this conversation came to. Keep names, numbers, decisions and open questions.\n\n{said}"
_TOKENS_PER_WORD: Final = 2
Ask: TypeAlias = Callable[[ModelRequest], Awaitable[ModelResponse]]


class ContextConfig(NodeConfig):
    """What of a long conversation the model is given: at most `max_tokens` of messages, the newest, with all that instruct or are `pinned`.
    `trim` leaves the others out; `summarise` has the model sum them up once, in at most `summary_tokens`, and gives that instead.
    `keep_last`: so many of the newest are never left out."""

    max_tokens: Annotated[int, Field(ge=1)]
    policy: Literal["trim", "summarise"] = "trim"
    keep_last: Annotated[int, Field(ge=1, le=1_000)] = 1
    summary_tokens: Annotated[int, Field(ge=20, le=10_000)] = 400


def without_room(config: ContextConfig) -> str:
    """What is wrong when a summary may take all the room there is, or ""."""
    if config.policy == "trim" or config.summary_tokens < config.max_tokens:
        return ""
    return f"a summary of {config.summary_tokens} tokens leaves no room under `max_tokens` ({config.max_tokens})"


@dataclass(frozen=True, slots=True)
class Given:
    """What the model is given. `summary`: the new message that stands for what was left out, None when none was made."""

    messages: tuple[JsonObject, ...]
    about: dict[str, Json]
    summary: JsonObject | None = None


async def given(config: ContextConfig, request: ModelRequest, ask: Ask) -> Given:
    """The request's messages, brought under the limit. `NodeExecutionError` (`context_too_long`) when what must stay is over it."""
    if config.policy == "trim":
        fit = _fit(config, request.messages, config.max_tokens)
        return Given(fit.kept, _about(fit, summary=False))
    return await _summed_up(config, request, ask)


def asked_at_most(config: ContextConfig, request: ModelRequest) -> tuple[ModelRequest, ...]:
    """The calls that the node will make, a summary that is still to be written as long as it may become. Raises what `given` raises."""
    if config.policy == "trim":
        return (replace(request, messages=_fit(config, request.messages, config.max_tokens).kept),)
    due = _due(config, request)
    if due.question is None:
        return (replace(request, messages=due.fit.kept),)
    summary = summary_of("x" * BYTES_PER_TOKEN * config.summary_tokens, 0)
    return due.question, replace(request, messages=(summary, *due.fit.kept))


async def _summed_up(config: ContextConfig, request: ModelRequest, ask: Ask) -> Given:
    due = _due(config, request)
    fit = due.fit
    if due.question is None:
        return Given(fit.kept, _about(fit, summary=due.before is not None))
    made = await ask(due.question)
    others = [message for message in request.messages if message is not due.before]
    summary = summary_of(made.text, _covered(others, fit))
    kept = (summary, *fit.kept)
    tokens = sum(map(tokens_in_message, kept))
    return Given(kept, {"tokens": tokens, "left_out": len(fit.left_out), "summarised": True}, summary)


@dataclass(frozen=True, slots=True)
class _Due:
    """What of a conversation is kept, and the call that sums up the rest; None: nothing is left out. `before`: the summary it has."""

    fit: Fitted
    before: JsonObject | None
    question: ModelRequest | None = None


def _due(config: ContextConfig, request: ModelRequest) -> _Due:
    before = summarised(request.messages)
    held = () if before.summary is None else (before.summary,)
    whole = (*held, *before.rest)
    if sum(map(tokens_in_message, whole)) <= config.max_tokens:
        return _Due(Fitted(whole, (), sum(map(tokens_in_message, whole))), before.summary)
    # Down to half: the next summary is due only when as much has been said again.
    room = max(config.max_tokens // 2, config.max_tokens - 2 * config.summary_tokens)
    fit = _fit(config, before.rest, max(room, _needed(config, before.rest)))
    return _Due(fit, before.summary, _question(config, request, (*held, *fit.left_out)))


def _needed(config: ContextConfig, messages: Sequence[JsonObject]) -> int:
    """What must stay costs so much; with a summary beside it, it has to be under the limit."""
    most = config.max_tokens - config.summary_tokens
    try:
        return fitted(messages, 0, tokens_in_message, config.keep_last).tokens
    except DoesNotFit as error:
        if error.tokens > most:
            raise _too_long(
                error.tokens, max(most, 0), f" beside a summary of {config.summary_tokens} (`context.summary_tokens`)"
            ) from None
        return error.tokens


def _covered(others: Sequence[JsonObject], fit: Fitted) -> int:
    """How many of the messages, the summary aside, are behind the last one that was left out."""
    gone = {id(message) for message in fit.left_out}
    return max((at + 1 for at, message in enumerate(others) if id(message) in gone), default=0)


def _question(config: ContextConfig, request: ModelRequest, messages: Sequence[JsonObject]) -> ModelRequest:
    lines = "\n".join(f"{message.get('role')}: {_told(message)}" for message in messages)
    asked = _ASK.format(words=config.summary_tokens // _TOKENS_PER_WORD, said=lines)
    question: JsonObject = {"role": "user", "content": asked}
    return replace(request, messages=(question,), max_tokens=config.summary_tokens, stop=(), response_schema=None, tools=(), caching=None)


def _told(message: JsonObject) -> str:
    calls = message.get("tool_calls")
    return text_of(message) + (f" [asks for {shortest_json(calls)}]" if calls else "")


def _fit(config: ContextConfig, messages: Sequence[JsonObject], most: int) -> Fitted:
    try:
        return fitted(messages, most, tokens_in_message, config.keep_last)
    except DoesNotFit as error:
        raise _too_long(error.tokens, most) from None


def _too_long(tokens: int, most: int, beside: str = "") -> NodeExecutionError:
    message = (
        f"what the model must be given has {tokens} tokens, and `context.max_tokens` leaves room for {most}{beside}: "
        "raise it, pin fewer messages, or lower `keep_last`"
    )
    return NodeExecutionError(message, "context_too_long")


def _about(fit: Fitted, *, summary: bool) -> dict[str, Json]:
    return {"tokens": fit.tokens, "left_out": len(fit.left_out), "summarised": summary}


def as_providers_know(messages: Sequence[JsonObject]) -> tuple[JsonObject, ...]:
    return tuple(map(said, messages))


def conversation_of(value: Json) -> tuple[JsonObject, ...]:
    """The messages that a node was given."""
    if isinstance(value, list | tuple) and value:
        messages = tuple(message for message in value if isinstance(message, Mapping) and isinstance(message.get("role"), str))
        if len(messages) == len(value):
            return messages
    raise NodeExecutionError("`messages` must be a list of objects, each with a `role`, and not empty", "invalid_messages")

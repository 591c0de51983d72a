"""`llm`: one model call. Output: `text, json, tool_calls, finish_reason, model, usage`, and of a node with `context` also `context`
(`tokens`, `left_out`, `summarised`) and `summary`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import ConfigDict, Field

from domain.graph.definition import Join, Node
from domain.json import Json, JsonObject
from domain.model import ModelCard, ModelRequest, ModelResponse
from domain.ports.expressions import Value
from domain.ports.models import Models
from domain.ports.nodes import Executor, Finished, Inspection, NodeContext, Workshop
from domain.ports.schemas import Schema
from domain.ports.templates import Template
from domain.usage import Usage
from infrastructure.nodes.answers import parse_answer
from infrastructure.nodes.config import Name, NodeConfig, Written, read_config, schema_of
from infrastructure.nodes.conversing import ContextConfig, Given, as_providers_know, asked_at_most, conversation_of, given, without_room
from infrastructure.nodes.findings import Findings

_TIMEOUT_SECONDS = 120.0


class LlmConfig(NodeConfig):
    """`prompt` and `system` are templates, `messages` is a value: a list of `{role, content, ...}`."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["prompt"]}, {"required": ["messages"]}]})

    model: Name
    prompt: Annotated[str, Field(min_length=1)] = ""
    messages: Written = None
    system: str = ""
    response_schema: dict[str, Written] | bool | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    options: dict[str, Written] = Field(default_factory=dict)
    context: ContextConfig | None = None


@dataclass(frozen=True, slots=True)
class LlmCall:
    """The node, compiled."""

    config: LlmConfig
    models: Models
    prompt: Template | None
    system: Template | None
    messages: Value | None
    answer: Schema | None

    async def __call__(self, context: NodeContext) -> Finished:
        request = self._request(context)
        if self.config.context is None:
            response = await self._answered(request, context)
            return Finished(self._output(response), response.usage)
        shown = await given(self.config.context, request, self.models)
        try:
            response = await self._answered(replace(request, messages=shown.messages), context)
            output = self._output(response)
        except BaseException as error:
            _also_used(error, shown)
            raise
        return Finished({**output, "context": shown.about, "summary": shown.summary}, response.usage.beside(shown.usage))

    def reserve(self, context: NodeContext) -> Usage:
        """What the node's calls use at most."""
        request = self._request(context)
        shown = [request] if self.config.context is None else asked_at_most(self.config.context, request)
        usage: Usage | None = None
        for one in shown:
            usage = self.models.at_most(replace(one, messages=as_providers_know(one.messages))).beside(usage)
        assert usage is not None, "a node calls at least once"
        return usage

    async def _answered(self, request: ModelRequest, context: NodeContext) -> ModelResponse:
        return await self.models.complete(replace(request, messages=as_providers_know(request.messages)), context.say)

    def _output(self, response: ModelResponse) -> dict[str, Json]:
        return output_of(response, response.json if self.answer is None else parse_answer(response, self.answer))

    def _request(self, context: NodeContext) -> ModelRequest:
        config = self.config
        return ModelRequest(
            model=config.model,
            messages=self._messages(context),
            temperature=config.temperature,
            max_tokens=config.max_tokens,
            stop=config.stop,
            seed=config.seed,
            response_schema=config.response_schema if isinstance(config.response_schema, dict) else None,
            timeout_seconds=context.deadline_seconds or _TIMEOUT_SECONDS,
            options=config.options,
            caller=context.caller(),
        )

    def _messages(self, context: NodeContext) -> tuple[JsonObject, ...]:
        first: tuple[JsonObject, ...] = ({"role": "system", "content": self.system(context.scope)},) if self.system else ()
        if self.prompt is not None:
            return (*first, {"role": "user", "content": self.prompt(context.scope)})
        return (*first, *conversation_of(self.messages(context.scope) if self.messages else None))


def _also_used(error: BaseException, shown: Given) -> None:
    """The call that summed up is paid for also when the one that follows fails."""
    if shown.usage is not None:
        used = getattr(error, "usage", None)
        error.__dict__["usage"] = used.beside(shown.usage) if isinstance(used, Usage) else shown.usage


def unknown_model(name: str, cards: Sequence[ModelCard]) -> str:
    """An alias that is set, but to a model that nobody offers, is not missing: its setting is what has to change."""
    alias = next((card for card in cards if card.name == name), None)
    known = ", ".join(card.name for card in cards if card is not alias) or "none"
    if alias is None:
        return f"there is no model `{name}`; known are {known}"
    return f"`{name}` stands for `{alias.resolves_to}`, and there is no such model: set WEFT_MODELS__{name} to another; known are {known}"


def output_of(response: ModelResponse, json: Json) -> dict[str, Json]:
    return {
        "text": response.text,
        "json": json,
        "tool_calls": [{"id": call.id, "name": call.name, "arguments": call.arguments} for call in response.tool_calls],
        "finish_reason": response.finish_reason.value,
        "model": response.model,
        "usage": _usage_as_json(response.usage),
    }


def _usage_as_json(usage: Usage) -> dict[str, Json]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        "cost": {"amount": str(usage.cost.amount), "currency": usage.cost.currency} if usage.cost else None,
        "estimated": usage.estimated,
    }


@dataclass(frozen=True, slots=True)
class LlmKind:
    name: str = "llm"
    default_join: Join | None = None

    @property
    def schema(self) -> JsonObject:
        return schema_of(LlmConfig)

    def inspect(self, node: Node, workshop: Workshop) -> Inspection:
        config, findings = read_config(LlmConfig, node), Findings(workshop)
        if not workshop.models.known(config.model):
            findings.problem("/model", "unknown_model", unknown_model(config.model, workshop.models.cards()))
        findings.template("/prompt", config.prompt)
        findings.template("/system", config.system)
        findings.value("/messages", config.messages)
        if config.response_schema is not None:
            findings.schema("/response_schema", config.response_schema)
        if config.context is not None and (lacking := without_room(config.context)):
            findings.problem("/context/summary_tokens", "no_room", lacking)
        return findings.inspection()

    def build(self, node: Node, workshop: Workshop) -> Executor:
        config = read_config(LlmConfig, node)
        call = LlmCall(
            config,
            workshop.models,
            prompt=workshop.templates.compile(config.prompt) if config.prompt else None,
            system=workshop.templates.compile(config.system) if config.system else None,
            messages=None if config.messages is None else workshop.expressions.value(config.messages),
            answer=None if config.response_schema is None else workshop.schemas.compile(config.response_schema),
        )
        return Executor(call, reserve=call.reserve)


kind = LlmKind()

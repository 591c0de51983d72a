"""`llm`: one model call, and a few more where its answer must be repaired. Output: `text, json, tool_calls, finish_reason, model, usage,
parameters, cached, repairs`, of a node with `context` also `context` (`tokens`, `left_out`, `summarised`) and `summary`, and of one with a
published prompt `prompt`, as `support/answer@3`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import ConfigDict, Field

from domain.graph.definition import Join, Node
from domain.json import Json, JsonObject
from domain.model import Caching, ModelCard, ModelRequest, ModelResponse, Shared
from domain.ports.expressions import Value
from domain.ports.models import Models
from domain.ports.nodes import Executor, Finished, Inspection, NodeContext, Workshop
from domain.ports.schemas import Schema
from domain.ports.templates import Template
from domain.usage import Usage
from infrastructure.nodes.answers import Unfit, parse_answer
from infrastructure.nodes.asking_models import ModelCalls
from infrastructure.nodes.config import Name, NodeConfig, Written, read_config, schema_of
from infrastructure.nodes.conversing import ContextConfig, as_providers_know, asked_at_most, conversation_of, given, without_room
from infrastructure.nodes.findings import Findings
from infrastructure.nodes.llm_output import output_of
from infrastructure.nodes.offering import Offer, look_at_tools
from infrastructure.nodes.overflow import telling_what_is_long
from infrastructure.nodes.prompting import Prompting, UsedPrompt, look_at_prompt, prompting
from infrastructure.nodes.repairing import Read, RepairConfig, repaired
from infrastructure.nodes.seeing import seeing

_TIMEOUT_SECONDS = 120.0
_MONTH = 30 * 86_400


class CacheConfig(NodeConfig):
    """`ttl_seconds`: how old an answer may be. `scope`: whose identical calls it may come from."""

    ttl_seconds: Annotated[float, Field(gt=0, le=_MONTH)]
    scope: Shared = Shared.WORKFLOW


class LlmConfig(NodeConfig):
    """`prompt` and `system` are templates, `messages` is a value: a list of `{role, content, ...}`; so is `images`: one, or a list.
    `prompt` may also name a published one."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["prompt"]}, {"required": ["messages"]}]})

    model: Name
    prompt: Annotated[str, Field(min_length=1)] | UsedPrompt = ""
    messages: Written = None
    system: str = ""
    images: Written = None
    response_schema: dict[str, Written] | bool | None = None
    repair: RepairConfig = RepairConfig()
    tools: Annotated[tuple[Name, ...], Field(max_length=128)] = ()
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    cache: CacheConfig | None = None
    options: dict[str, Written] = Field(default_factory=dict)
    context: ContextConfig | None = None


@dataclass(frozen=True, slots=True)
class LlmCall:
    """The node, compiled."""

    config: LlmConfig
    models: Models
    offer: Offer
    prompt: Prompting | None
    system: Template | None
    messages: Value | None
    images: Value | None
    answer: Schema | None

    @property
    def performs(self) -> bool:
        """May it make several calls? One alone needs no row of its own."""
        return self.config.repair.attempts > 0 and (self.answer is not None or bool(self.config.tools))

    async def __call__(self, context: NodeContext) -> Finished:
        asking, request = ModelCalls(self.models, context, self.performs), self._request(context)
        try:
            with telling_what_is_long(request, context.scope, self.prompt, self.system, self.messages):
                output = await self._output(request, asking)
            reference = self._reference(context)
            return Finished({**output, "prompt": reference} if reference else output, asking.own)
        except BaseException as error:
            asking.charge(error)
            raise

    def reserve(self, context: NodeContext) -> Usage:
        """What the node's calls use at most, where none of them is kept by itself."""
        request = self._request(context)
        shown = [request] if self.config.context is None else asked_at_most(self.config.context, request)
        usage: Usage | None = None
        for one in shown:
            usage = self.models.at_most(replace(one, messages=as_providers_know(one.messages))).beside(usage)
        assert usage is not None, "a node calls at least once"
        return usage

    async def _output(self, request: ModelRequest, asking: ModelCalls) -> dict[str, Json]:
        if self.config.context is None:
            return output_of(await self._read(request, asking), request)
        shown = await given(self.config.context, request, asking)
        read = await self._read(replace(request, messages=shown.messages), asking)
        return {**output_of(read, request), "context": shown.about, "summary": shown.summary}

    async def _read(self, request: ModelRequest, asking: ModelCalls) -> Read:
        asked = replace(request, messages=as_providers_know(request.messages))
        return await repaired(asked, self._json, self.config.repair.attempts, asking)

    def _json(self, response: ModelResponse) -> Json:
        """Whoever asks for tools has not answered yet."""
        if self.config.tools:
            self.offer.check(response)
        if self.answer is None or (self.config.tools and response.tool_calls):
            return response.json
        return parse_answer(response, self.answer)

    def _reference(self, context: NodeContext) -> str:
        return "" if self.prompt is None else self.prompt.reference(context)

    def _request(self, context: NodeContext) -> ModelRequest:
        config = self.config
        return ModelRequest(
            model=context.instead or config.model,
            messages=self._messages(context),
            temperature=config.temperature,
            max_tokens=config.max_tokens,
            stop=config.stop,
            seed=config.seed,
            response_schema=config.response_schema if isinstance(config.response_schema, dict) else None,
            tools=self.offer.definitions(),
            timeout_seconds=context.deadline_seconds or _TIMEOUT_SECONDS,
            options=config.options,
            caller=context.caller(prompt=self._reference(context)),
            caching=None if config.cache is None else Caching(config.cache.ttl_seconds, config.cache.scope, self._fits),
        )

    def _fits(self, response: ModelResponse) -> bool:
        try:
            self._json(response)
        except Unfit:
            return False
        return True

    def _messages(self, context: NodeContext) -> tuple[JsonObject, ...]:
        first: tuple[JsonObject, ...] = ({"role": "system", "content": self.system(context.scope)},) if self.system else ()
        if self.prompt is not None:
            messages = (*first, *self.prompt(context))
        else:
            messages = (*first, *conversation_of(self.messages(context.scope) if self.messages else None))
        return messages if self.images is None else seeing(messages, self.images(context.scope))


def unknown_model(name: str, cards: Sequence[ModelCard]) -> str:
    """An alias that is set, but to a model that nobody offers, is not missing: its setting is what has to change."""
    alias = next((card for card in cards if card.name == name), None)
    known = ", ".join(card.name for card in cards if card is not alias) or "none"
    if alias is None:
        return f"there is no model `{name}`; known are {known}"
    return f"`{name}` stands for `{alias.resolves_to}`, and there is no such model: set WEFT_MODELS__{name} to another; known are {known}"


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
        look_at_prompt(findings, config.prompt)
        findings.template("/system", config.system)
        findings.value("/messages", config.messages)
        findings.value("/images", config.images)
        look_at_tools(config.tools, findings)
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
            Offer(config.tools, workshop.tools, workshop.schemas),
            prompt=prompting(config.prompt, workshop) if config.prompt else None,
            system=workshop.templates.compile(config.system) if config.system else None,
            messages=None if config.messages is None else workshop.expressions.value(config.messages),
            images=None if config.images is None else workshop.expressions.value(config.images),
            answer=None if config.response_schema is None else workshop.schemas.compile(config.response_schema),
        )
        return Executor(call, reserve=None if call.performs else call.reserve, performs=call.performs)


kind = LlmKind()

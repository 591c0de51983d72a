"""A turn of the model: asked within what is left of the money, its answer kept."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from domain.conversation import DoesNotFit, fitted
from domain.errors import ModelError, NodeExecutionError
from domain.json import JsonObject
from domain.model import ModelRequest, ModelResponse
from domain.ports.effects import Cheaper, Effect, Performed
from domain.ports.nodes import NodeContext
from domain.usage import Money, Usage, UsageTotal
from infrastructure.models.texts import shortest_json
from infrastructure.models.tokens import tokens_in_message
from infrastructure.nodes.agents.judging import Judge
from infrastructure.nodes.agents.members import Member
from infrastructure.nodes.agents.node import AgentNode
from infrastructure.nodes.agents.turns import MOST_CALLS, Turn
from infrastructure.nodes.conversing import as_providers_know

MODEL: Final = "model"
_TIMEOUT_SECONDS: Final = 120.0
_GARBAGE: Final = "model_garbage"
_SCHEMA_WORDS: Final = "When you are done, answer with JSON alone, without any other word, that fits this JSON Schema:\n"


@dataclass(frozen=True, slots=True)
class TurnRequest:
    """What the model is asked in a turn. `digest`: of the conversation so far. `spent`: what it has cost. `repairs`: the answer before did
    not fit, and nothing but one that does is wanted."""

    turn: int
    member: Member
    messages: tuple[JsonObject, ...]
    digest: str
    spent: Money
    repairs: bool = False


@dataclass(frozen=True, slots=True)
class Speaker:
    """`instructions`: of each agent, as they were at the beginning. `begun_with`: so many messages were there before it said anything.
    `prompt`: the published one that was rendered for them, `name@3`, or ""."""

    node: AgentNode
    context: NodeContext
    instructions: Mapping[str, str]
    begun_with: int
    prompt: str

    async def __call__(self, asking: TurnRequest, seconds: float | None) -> Turn:
        request = self._request(asking, seconds)
        own = self._call(asking, request)
        effect = Effect(
            MODEL, request.model, asking.digest, own.reserve, instead=lambda model: self._call(asking, replace(request, model=model))
        )
        return Turn.of(await self.context.perform(effect, own.make))

    def _call(self, asking: TurnRequest, request: ModelRequest) -> Cheaper:
        reserve = self.node.workshop.models.at_most(request)
        lacking = self._lacking(asking.spent, reserve)

        async def make(effect: int) -> Performed:
            if lacking:
                return Performed(Turn(stopped=lacking).as_json())
            return await self._answered(asking, replace(request, caller=self.context.caller(effect, self.prompt)), reserve)

        return Cheaper(None if lacking else reserve, make)

    async def _answered(self, asking: TurnRequest, request: ModelRequest, reserve: Usage) -> Performed:
        most = self.node.config.most_money
        if most is not None and reserve.cost is None:
            message = f"nobody knows what a call of {reserve.model} costs, and `max_cost_usd` allows {most.amount}: set its price"
            raise NodeExecutionError(message, "price_unknown")
        try:
            response = await self.node.workshop.models.complete(request, self.context.say)
        except ModelError as error:
            usage = getattr(error, "usage", None)
            if error.code != _GARBAGE or not isinstance(usage, Usage):
                raise
            return Performed(Turn(usage=_charged(usage, reserve), unreadable=error.message).as_json(), usage)
        return Performed(self._turn(asking, response, _charged(response.usage, reserve)).as_json(), response.usage)

    def _turn(self, asking: TurnRequest, response: ModelResponse, usage: Usage) -> Turn:
        most, used = self.node.config.most_money, UsageTotal().plus(usage)
        left = None if most is None else most.amount - asking.spent.amount - used.cost.amount
        shop = self.node.workshop
        judge = Judge(shop.tools, shop.schemas, self.context, asking.member, self.node.config.plan, left)
        calls = () if asking.repairs else judge.judged(asking.turn, response.tool_calls)
        return Turn(response.text, calls, max(len(response.tool_calls) - MOST_CALLS, 0), usage)

    def _lacking(self, spent: Money, reserve: Usage) -> str:
        """Why the call is not made, or "". A call whose price is unknown is refused when it is to be made: it may have been made before."""
        most = self.node.config.most_money
        if most is None or reserve.cost is None or spent.amount + reserve.cost.amount <= most.amount:
            return ""
        left, cost = most.amount - spent.amount, reserve.cost
        return f"the next call may cost {cost.amount:f} {cost.currency}, and {left:f} of `max_cost_usd` ({most.amount:f}) is left"

    def _request(self, asking: TurnRequest, seconds: float | None) -> ModelRequest:
        config, schema = self.node.config, self.node.response_schema
        return ModelRequest(
            model=asking.member.model,
            messages=as_providers_know(self._shown((*self._system(asking.member), *self._with_its_task(asking.messages)))),
            temperature=config.temperature,
            max_tokens=config.max_tokens,
            seed=config.seed,
            response_schema=schema if asking.repairs else None,
            tools=() if asking.repairs else asking.member.shown(self.node.workshop.tools, plan=config.plan),
            timeout_seconds=_TIMEOUT_SECONDS if seconds is None else seconds,
            options=config.options,
        )

    def _with_its_task(self, messages: Sequence[JsonObject]) -> Iterator[JsonObject]:
        """However long it gets, the agent is told what it is there for."""
        for at, message in enumerate(messages, 1):
            yield {**message, "pinned": True} if at == self.begun_with else message

    def _shown(self, messages: Sequence[JsonObject]) -> Sequence[JsonObject]:
        room = self.node.config.context
        if room is None:
            return messages
        try:
            return fitted(messages, room.max_tokens, tokens_in_message, room.keep_last).kept
        except DoesNotFit as error:
            message = f"what the agent must be given has {error.tokens} tokens, and `context.max_tokens` is {room.max_tokens}"
            raise NodeExecutionError(f"{message}: raise it, or lower `keep_last`", "context_too_long") from None

    def _system(self, member: Member) -> tuple[JsonObject, ...]:
        """Said in words and not by the provider's own way, which some take for the only thing that may be answered, tools or not."""
        schema = self.node.response_schema
        told = [self.instructions.get(member.name, ""), "" if schema is None else _SCHEMA_WORDS + shortest_json(schema)]
        text = "\n\n".join(filter(None, told))
        return ({"role": "system", "content": text},) if text else ()


def _charged(usage: Usage, reserve: Usage) -> Usage:
    """A limit of money counts a call whose price nobody told as what was reserved for it."""
    return usage if usage.cost is not None else replace(usage, cost=reserve.cost)

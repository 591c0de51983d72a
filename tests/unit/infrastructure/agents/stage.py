"""Where agents are played in tests: a journal of effects in memory, a model that says what a test tells it, and tools that count."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from domain.declaring import tool
from domain.errors import ModelError, Nondeterministic, WeftError
from domain.graph.definition import Node
from domain.history import Capture
from domain.ids import DEFAULT_TENANT, ActivationPath, NodeId, RunId
from domain.json import Json, JsonObject
from domain.model import FinishReason, ModelCard, ModelRequest, ModelResponse, OnText, ToolCall
from domain.policy import Policy
from domain.ports.effects import Effect, Make
from domain.ports.nodes import Finished, NodeContext, Outcome, Park, Workshop
from domain.ports.prompts import ReadyPrompt
from domain.ports.tools import ToolContext
from domain.question import Answer
from domain.tool import Effects, Tool, ToolMetadata, ToolType
from domain.usage import Money, Usage
from infrastructure.expressions import CelExpressions
from infrastructure.nodes import agent
from infrastructure.schemas import JsonSchemas
from infrastructure.templates import JinjaTemplates
from infrastructure.tools.native import native_tool
from infrastructure.tools.runnable import RunnableTool
from tests.toolbox import tools_of
from tests.unit.infrastructure.tool_calls import HandClock

CENT = Money(Decimal("0.01"))


class Crash(BaseException):
    """The process dies here."""


@dataclass
class Journal:
    """Keeps what effects came to, and plays it back. `crash_at`: the process dies when the n-th call that is made is kept."""

    kept: dict[int, tuple[Effect, Json]] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)
    used: list[Usage] = field(default_factory=list)
    crash_at: int = 0
    instead: str = ""
    """The model that budgets put in place of the agents'."""
    decided: dict[int, Json | WeftError] = field(default_factory=dict)
    """What people say came of calls that were lost: what the tool gave back, or that it failed."""

    def begin(self) -> "Performing":
        return Performing(self)

    @property
    def kinds(self) -> list[str]:
        return [self.kept[number][0].kind for number in sorted(self.kept)]


@dataclass
class Performing:
    """One attempt, as the engine has it."""

    journal: Journal
    number: int = 0
    is_dead: bool = False
    alone: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __call__(self, effect: Effect, make: Make) -> Awaitable[Json]:
        self.number += 1
        return self._performed(self.number, effect, make)

    async def _performed(self, number: int, effect: Effect, make: Make) -> Json:
        if number in self.journal.kept:
            known, output = self.journal.kept[number]
            if known.digest != effect.digest:
                raise Nondeterministic(f"effect {number} was {known.kind} {known.name}, and is {effect.kind} {effect.name}")
            return output
        if number in self.journal.decided:
            found = self.journal.decided[number]
            if isinstance(found, WeftError):
                raise found
            return effect.told(found)
        if effect.effects is not Effects.ONCE:
            return await self._made(number, effect, make)
        async with self.alone:
            return await self._made(number, effect, make)

    async def _made(self, number: int, effect: Effect, make: Make) -> Json:
        self._must_live()
        if self.journal.instead and effect.instead is not None:
            make = effect.instead(self.journal.instead).make
        done = await make(number)
        if effect.effects is not Effects.ONCE:  # of such a call that is lost the engine asks a person: not here
            self._must_live()
        journal = self.journal
        journal.made.append(f"{effect.kind} {effect.name}")
        journal.kept[number] = (effect, done.output)
        if done.usage is not None:
            journal.used.append(done.usage)
        if len(journal.made) == journal.crash_at:
            self.is_dead = True
            raise Crash
        return done.output

    def _must_live(self) -> None:
        if self.is_dead:
            raise Crash


Says = Callable[[ModelRequest], Any]


def calls(*wanted: tuple[str, Mapping[str, Any]], text: str = "") -> ModelResponse:
    asked = tuple(ToolCall("same", name, arguments) for name, arguments in wanted)
    return ModelResponse(text, "m", FinishReason.TOOL_CALLS, Usage("m", 10, 5, CENT), asked)


def says(text: str) -> ModelResponse:
    return ModelResponse(text, "m", FinishReason.STOP, Usage("m", 10, 5, CENT))


@dataclass
class Player:
    """Says the next of `script` at each turn, the last one for ever; a function is asked what to say."""

    script: Sequence[Any]
    asked: list[ModelRequest] = field(default_factory=list)
    at_most_cost: Money | None = CENT

    async def complete(self, request: ModelRequest, on_text: OnText | None = None) -> ModelResponse:
        await asyncio.sleep(0)
        self.asked.append(request)
        answered = sum(message["role"] == "assistant" for message in request.messages)
        said = self.script[min(answered, len(self.script) - 1)]
        said = said(request) if callable(said) else said
        if isinstance(said, BaseException):
            raise said
        assert isinstance(said, ModelResponse)
        if on_text and said.text:
            on_text(said.text)
        return said

    def at_most(self, request: ModelRequest) -> Usage:
        return Usage("m", 10, 100, self.at_most_cost, estimated=True)

    def known(self, name: str) -> bool:
        return name in ("fast", "careful")

    async def survey(self) -> Sequence[ModelCard]:
        return self.cards()

    def cards(self) -> Sequence[ModelCard]:
        return [ModelCard("fast", "m", "p")]


@dataclass
class Counting:
    """Tools that note each call. `at_once`: the most of them that were under way together."""

    seen: list[tuple[str, Any]] = field(default_factory=list)
    contexts: list[ToolContext] = field(default_factory=list)
    under_way: int = 0
    at_once: int = 0

    async def note(self, name: str, said: Any) -> None:
        self.seen.append((name, said))
        self.under_way += 1
        self.at_once = max(self.at_once, self.under_way)
        for _ in range(3):
            await asyncio.sleep(0)
        self.under_way -= 1

    def tools(self) -> list[RunnableTool]:
        async def look(word: str, context: ToolContext) -> str:
            """Look a word up."""
            self.contexts.append(context)
            await self.note("look", word)
            return f"{word} means {word[::-1]}"

        async def find(word: str, books: list[str]) -> list[str]:
            """Find a word in books."""
            await self.note("find", (word, books))
            return [book for book in books if word in book]

        @tool(effects="once")
        async def pay(amount: int) -> dict[str, int]:
            """Pay."""
            await self.note("pay", amount)
            if amount > 100:
                raise OSError("the line is dead")
            return {"paid": amount}

        async def broken(word: str) -> str:
            """Never works."""
            await self.note("broken", word)
            raise ModelError("out of order", "model_unavailable")

        async def long(word: str) -> str:
            """Talks on and on."""
            return word * 100_000

        @tool(cost_usd="0.50")
        async def dear(word: str) -> str:
            """Costs a lot."""
            await self.note("dear", word)
            return word

        async def take(arguments: JsonObject, context: ToolContext) -> str:
            await self.note("loose", dict(arguments))
            return "taken"

        parameters: JsonObject = {"type": "object", "properties": {"word": {}, "owner": {}}, "required": ["owner"]}
        loose = RunnableTool(Tool("loose", ToolType.NATIVE, parameters, ToolMetadata("Takes whatever it is told.")), take)
        return [loose, *(native_tool(function) for function in (look, find, pay, broken, long, dear))]


@dataclass
class Table:
    """One node, and the world it is played in. `policy` is the owner's."""

    player: Player
    journal: Journal = field(default_factory=Journal)
    tools: Counting = field(default_factory=Counting)
    policy: Policy = field(default_factory=Policy)
    prompts: dict[str, ReadyPrompt] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    async def attempt(
        self, keys: Mapping[str, Any], answer: Answer | None = None, state: Mapping[str, Json] | None = None, number: int = 1
    ) -> Outcome:
        shelf = tools_of(HandClock(), self.tools.tools(), self.policy)
        shop = Workshop(CelExpressions(), JinjaTemplates(), JsonSchemas(), self.player, shelf)
        node = Node(NodeId("lead"), "agent", {"model": "fast", **({} if "messages" in keys else {"prompt": "Go."}), **keys})
        context = NodeContext(
            DEFAULT_TENANT,
            RunId("r"),
            ActivationPath("/lead#1"),
            number,
            {"state": dict(state or {}), "input": {}},
            lambda: 1000.0,
            self.said.append,
            answer=answer,
            workflow="w@1.0.0",
            tell=self.told.append,
            perform=self.journal.begin(),
            prompts=self.prompts,
            capture=Capture.HASHED,
        )
        done: Any = agent.kind.build(node, shop).run(context)
        outcome: Outcome = await done
        return outcome

    async def play(self, **keys: Any) -> dict[str, Any]:
        """The node's output."""
        outcome = await self.attempt(keys)
        assert isinstance(outcome, Finished)
        assert isinstance(outcome.output, dict)
        return outcome.output

    @property
    def heard(self) -> list[str]:
        """What the model was told last of its calls."""
        return [str(message["content"]) for message in self.player.asked[-1].messages if message["role"] == "tool"]


def table(*script: Any, policy: Policy | None = None) -> Table:
    return Table(Player(script), policy=policy or Policy())


def parked(outcome: Outcome) -> Mapping[str, Any]:
    """What it shows to whoever is asked."""
    assert isinstance(outcome, Park)
    assert outcome.question is not None
    show: Any = outcome.question.show
    found: Mapping[str, Any] = show
    return found


def answered(outcome: Outcome, value: Json) -> Answer:
    assert isinstance(outcome, Park)
    assert outcome.question is not None
    return Answer(value, "ada", outcome.question.as_json())

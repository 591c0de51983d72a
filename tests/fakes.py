"""Ports played by a few lines each."""

from collections.abc import Sequence
from decimal import Decimal

from domain.errors import Failure, ModelNotFound, ToolNotFound
from domain.json import JsonObject
from domain.model import FinishReason, ModelCard, ModelRequest, ModelResponse, OnText
from domain.ports.tools import ToolContext
from domain.tool import ParameterType, Tool, ToolExecutionResult, ToolMetadata, ToolType
from domain.usage import Money, Usage


class OneModel:
    """Knows `parrot`, which repeats what it was last told."""

    async def complete(self, request: ModelRequest, on_text: OnText | None = None) -> ModelResponse:
        if not self.known(request.model):
            raise ModelNotFound(f"there is no model {request.model}; there is parrot")
        text = str(request.messages[-1]["content"])
        if on_text:
            on_text(text)
        return ModelResponse(text, "parrot", FinishReason.STOP, Usage("parrot", len(text), len(text)))

    def at_most(self, request: ModelRequest) -> Usage:
        return Usage("parrot", len(str(request.messages[-1]["content"])), 1_000, estimated=True)

    def known(self, name: str) -> bool:
        return name == "parrot"

    async def survey(self) -> Sequence[ModelCard]:
        return self.cards()

    def cards(self) -> Sequence[ModelCard]:
        return [
            ModelCard("parrot", "parrot", "fake", Money(Decimal("0.15")), Money(Decimal("1E+1")), scripted=True),
            ModelCard("far", "openai/far", "openai", usable=False, reason="no key is configured"),
        ]


class TwoTools:
    """`double` doubles a number, and refuses to go beyond a hundred; `echo` gives back what it gets."""

    async def call(self, name: str, arguments: JsonObject, context: ToolContext) -> ToolExecutionResult:
        if self.get(name).name == "echo":
            return ToolExecutionResult(dict(arguments), execution_time=0.25, token_usage=Usage("parrot", 1, 2, Money(Decimal("0.10"))))
        number = arguments.get("number")
        if not isinstance(number, int) or number > 100:
            return ToolExecutionResult(error=Failure("bad_number", "give a number of at most 100"))
        return ToolExecutionResult(2 * number)

    def must_be_allowed(self, name: str, context: ToolContext) -> bool:
        return True

    def get(self, name: str) -> Tool:
        for tool in self.list():
            if tool.name == name:
                return tool
        raise ToolNotFound(f"there is no tool {name}; there are double, echo")

    def list(self) -> Sequence[Tool]:
        number: JsonObject = {"type": "object", "properties": {"number": {"type": ParameterType.NUMBER.value}}}
        return [
            Tool("double", ToolType.BUILTIN, number, ToolMetadata("Doubles a number.")),
            Tool("echo", ToolType.NATIVE, {"type": "object"}, ToolMetadata("Gives it back.", author="tests", tags=("small",))),
        ]

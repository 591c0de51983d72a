"""Tools that a model is offered, and what it asks of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from domain.errors import ToolNotFound
from domain.json import JsonObject
from domain.model import ModelResponse
from domain.ports.schemas import Schemas
from domain.ports.tools import Tools
from domain.tool import Tool
from infrastructure.nodes.answers import Unfit
from infrastructure.nodes.findings import Findings

MOST_CALLS: Final = 128
"""That one answer may ask for."""
_SHOWN: Final = 3


def definition_of(tool: Tool) -> JsonObject:
    """As models are told of it, in the OpenAI shape."""
    return function_of(tool.name, tool.metadata.description, tool.parameters)


def function_of(name: str, description: str, parameters: JsonObject) -> JsonObject:
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


@dataclass(frozen=True, slots=True)
class Offer:
    """Tools by name, as they are when they are offered."""

    names: tuple[str, ...]
    tools: Tools
    schemas: Schemas

    def definitions(self) -> tuple[JsonObject, ...]:
        """`ToolNotFound` for one that was there when the workflow was published, and is not any more."""
        return tuple(definition_of(self.tools.get(name)) for name in self.names)

    def check(self, response: ModelResponse) -> None:
        """`Unfit`: `model_garbage` for more calls than anybody makes and for tools that were not offered, `invalid_tool_call` for arguments
        that a tool does not take."""
        calls = response.tool_calls
        if len(calls) > MOST_CALLS:
            message = f"the model asks for {len(calls):,} tool calls at once, and {MOST_CALLS} is the most"
            raise Unfit(message, response, "model_garbage", may_be_mended=False)
        strange = [call.name[:100] for call in calls if call.name not in self.names]
        if strange:
            offered = ", ".join(self.names) or "none"
            raise Unfit(f"the model asks for tools that it was not offered: {_few(strange)}; offered: {offered}", response, "model_garbage")
        wrong = [f"{call.name}: {found}" for call in calls if (found := self._wrong_with(call.name, call.arguments))]
        if wrong:
            raise Unfit(f"the model calls tools as they cannot be called: {_few(wrong)}", response, "invalid_tool_call")

    def _wrong_with(self, name: str, arguments: JsonObject) -> str:
        schema = self.schemas.compile(self.tools.get(name).parameters)
        problems = () if schema.accepts(arguments) else schema.problems(arguments)
        return "; ".join(f"{problem.pointer or 'its arguments'}: {problem.message}" for problem in problems[:_SHOWN])


def look_at_tools(names: Sequence[str], findings: Findings) -> None:
    for at, name in enumerate(names):
        try:
            findings.workshop.tools.get(name)
        except ToolNotFound as error:
            findings.problem(f"/tools/{at}", "unknown_tool", error.message)


def _few(texts: Sequence[str]) -> str:
    return "; ".join(texts[:_SHOWN]) + (f"; and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else "")

"""Approval of a tool call: a person sees exactly what the tool would be told, and that, or what they make of it, is what it is told."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from domain.errors import NodeExecutionError
from domain.json import Json, JsonObject
from domain.ports.nodes import NodeContext, Park
from domain.question import Answer, OnDeadline
from infrastructure.canonical import content_hash
from infrastructure.nodes.asking import Asked, Asking

NOT_APPROVED: Final = "not_approved"
_DEFINITIONS: Final = ("$defs", "definitions")


class Approval(Asking):
    """`editable`: whoever answers may change the arguments, to others that the tool takes."""

    on_deadline: OnDeadline = OnDeadline.FAIL
    editable: bool = False


def answers_of(parameters: JsonObject, shown: str, *, editable: bool) -> JsonObject:
    """JSON Schema of the answer. `shown`: the hash of what is approved, which an answer may repeat to be sure."""
    properties: dict[str, Json] = {
        "approved": {"type": "boolean"},
        "reason": {"type": "string", "maxLength": 2000},
        "hash": {"const": shown},
    }
    schema: dict[str, Json] = {"type": "object", "required": ["approved"], "additionalProperties": False}
    if editable:
        properties["arguments"] = {name: value for name, value in parameters.items() if name not in _DEFINITIONS}
        schema |= {name: parameters[name] for name in _DEFINITIONS if name in parameters}
    return {**schema, "properties": properties}


def hash_of(tool: str, arguments: JsonObject) -> str:
    """SHA-256 of the RFC 8785 form of the call."""
    return content_hash({"tool": tool, "arguments": arguments})


@dataclass(frozen=True, slots=True)
class Approved:
    """A tool node whose call may wait for a person's approval. `given` works out the arguments, once."""

    tool: str
    parameters: JsonObject
    editable: bool
    asked: Asked
    given: Callable[[NodeContext], JsonObject]
    always: bool
    """Whatever the policy says."""
    is_due: Callable[[NodeContext], bool]
    """Does somebody have to approve of it? Raises what forbids the call anyway."""

    def ask(self, context: NodeContext) -> Park | None:
        if not self.is_due(context) and not self.always:
            return None
        arguments = self.given(context)
        shown = hash_of(self.tool, arguments)
        show: JsonObject = {"tool": self.tool, "arguments": arguments, "hash": shown}
        return self.asked.park(context, show, answers_of(self.parameters, shown, editable=self.editable))

    def arguments(self, context: NodeContext) -> JsonObject:
        """What the answer allows, from the journal; where nobody was asked, as they are. `not_approved` when it allows nothing."""
        answer = context.answer
        if answer is None:
            assert not self.always, "it runs when it is answered"
            return self.given(context)
        return arguments_of(answer, self.tool, editable=self.editable)


def arguments_of(answer: Answer, tool: str, *, editable: bool) -> JsonObject:
    """What the answer lets the tool be told; `not_approved` when it lets nothing."""
    said = answer.value if isinstance(answer.value, Mapping) else {}
    if said.get("approved") is not True:
        reason = f": {said['reason']}" if said.get("reason") else ""
        raise NodeExecutionError(f"{answer.by} did not approve the call of {tool}{reason}", NOT_APPROVED)
    edited = said.get("arguments")
    return edited if isinstance(edited, Mapping) and editable else _shown(answer, tool)


def _shown(answer: Answer, tool: str) -> JsonObject:
    shown = answer.about["show"]
    assert isinstance(shown, Mapping)
    arguments = shown["arguments"]
    if shown["tool"] != tool or not isinstance(arguments, Mapping) or hash_of(tool, arguments) != shown["hash"]:
        raise NodeExecutionError(f"what was approved is not what {tool} would be told", NOT_APPROVED)
    return arguments

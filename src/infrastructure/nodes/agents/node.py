"""An `agent` node, compiled: what its conversations have in common."""

from collections.abc import Mapping
from dataclasses import dataclass

from domain.json import JsonObject
from domain.ports.expressions import Scope, Value
from domain.ports.nodes import NodeContext, Workshop
from domain.ports.schemas import Schema
from infrastructure.nodes.agents.config import AgentConfig
from infrastructure.nodes.agents.members import Member
from infrastructure.nodes.asking import Asked
from infrastructure.nodes.prompting import Prompting


@dataclass(frozen=True, slots=True)
class AgentNode:
    """`asked`: whom, when a call needs approval. `answer`: what the last answer must fit, None for any text."""

    config: AgentConfig
    workshop: Workshop
    members: Mapping[str, Member]
    first: Member
    prompt: Prompting | None
    messages: Value | None
    asked: Asked
    answer: Schema | None

    @property
    def response_schema(self) -> JsonObject | None:
        return self.config.response_schema if isinstance(self.config.response_schema, dict) else None

    @property
    def may_edit(self) -> bool:
        return self.config.approval is not None and self.config.approval.editable

    def reference(self, context: NodeContext) -> str:
        """The published prompt that it begins with, as `name@3`; "" for none."""
        return "" if self.prompt is None else self.prompt.reference(context)

    def instructions(self, scope: Scope) -> dict[str, str]:
        """Of each agent."""
        return {name: member.instructions(scope) for name, member in self.members.items() if member.instructions is not None}

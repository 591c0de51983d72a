"""The agents of a node: the one that begins, and those that the conversation can be handed over to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from domain.errors import ToolNotFound
from domain.graph.definition import Node
from domain.graph.permitted import agent_name
from domain.json import JsonObject
from domain.ports.expressions import Value
from domain.ports.nodes import Workshop
from domain.ports.templates import Template
from domain.ports.tools import Tools
from domain.tool import Tool
from infrastructure.nodes.agents.config import AgentConfig, Consent, OfferedTool, Other, name_of, tool_of
from infrastructure.nodes.offering import function_of

HANDOFF: Final = "handoff_to_"
PLAN: Final = "update_plan"
STATUSES: Final = ("pending", "in_progress", "done")
PLAN_SCHEMA: Final[JsonObject] = {
    "type": "object",
    "properties": {
        "steps": {
            "type": "array",
            "maxItems": 100,
            "items": {
                "type": "object",
                "properties": {"text": {"type": "string", "maxLength": 1000}, "status": {"type": "string", "enum": list(STATUSES)}},
                "required": ["text", "status"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["steps"],
    "additionalProperties": False,
}
HANDOFF_SCHEMA: Final[JsonObject] = {
    "type": "object",
    "properties": {"message": {"type": "string", "description": "What the other one should do or know."}},
    "additionalProperties": False,
}
_PLAN_WORDS: Final = "Keep the plan of your work: all steps, each with its status. Call it again whenever a status changes."


@dataclass(frozen=True, slots=True)
class Offer:
    """A tool as one agent has it. `given`: the arguments that the author gives, None for none."""

    written: OfferedTool
    name: str
    given: Value | None
    consent: Consent

    def parameters(self, tool: Tool) -> JsonObject:
        """What is left for the model to say."""
        if self.given is None:
            return tool.parameters
        properties, required = tool.parameters.get("properties"), tool.parameters.get("required")
        named = properties if isinstance(properties, Mapping) else {}
        needed = required if isinstance(required, list | tuple) else ()
        left = {name: schema for name, schema in named.items() if name not in self.written.arguments}
        return {**tool.parameters, "properties": left, "required": [name for name in needed if name not in self.written.arguments]}

    def shown(self, tool: Tool) -> JsonObject:
        return function_of(self.name, self.written.description or tool.metadata.description, self.parameters(tool))


@dataclass(frozen=True, slots=True)
class Member:
    """`hands_to`: names of others, with what they are there for."""

    name: str
    model: str
    instructions: Template | None
    offers: Mapping[str, Offer]
    hands_to: Mapping[str, str]

    @property
    def permissions(self) -> tuple[str, ...]:
        """The tools that it may call."""
        return tuple(dict.fromkeys(offer.written.tool for offer in self.offers.values()))

    def shown(self, tools: Tools, *, plan: bool) -> tuple[JsonObject, ...]:
        """What its model is told that it can call. A tool that is denied, or is not there any more, is left out."""
        offered = [
            offer.shown(tool) for offer in self.offers.values() if offer.consent is not Consent.DENY and (tool := there(tools, offer))
        ]
        handing = [function_of(f"{HANDOFF}{name}", f"Hand over to {name}: {what}", HANDOFF_SCHEMA) for name, what in self.hands_to.items()]
        return (*offered, *([function_of(PLAN, _PLAN_WORDS, PLAN_SCHEMA)] if plan else []), *handing)


def there(tools: Tools, offer: Offer) -> Tool | None:
    try:
        return tools.get(offer.written.tool)
    except ToolNotFound:
        return None


def members_of(node: Node, config: AgentConfig, workshop: Workshop) -> dict[str, Member]:
    """By name, the one that begins first; it is called as the node is."""
    first = agent_name(node.id)
    known = {first: "it began this conversation", **{name: other.description for name, other in config.handoffs.items()}}
    lead = Other(description="it", instructions=config.instructions, tools=config.tools)
    return {name: _member(name, other, config, known, workshop) for name, other in {first: lead, **config.handoffs}.items()}


def _member(name: str, other: Other, config: AgentConfig, known: Mapping[str, str], workshop: Workshop) -> Member:
    hands_to = {one: what for one, what in known.items() if one != name and (other.handoffs is None or one in other.handoffs)}
    return Member(
        name,
        other.model or config.model,
        workshop.templates.compile(other.instructions) if other.instructions else None,
        {name_of(tool): _offer(tool_of(tool), config, workshop) for tool in other.tools},
        hands_to,
    )


def _offer(written: OfferedTool, config: AgentConfig, workshop: Workshop) -> Offer:
    given = workshop.expressions.value(written.arguments) if written.arguments else None
    return Offer(written, name_of(written), given, config.approvals.get(name_of(written), Consent.AUTO))

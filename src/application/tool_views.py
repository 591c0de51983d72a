"""Tools as readers get them."""

from pydantic import JsonValue

from application.views import MoneyView, View, json_object, perhaps
from application.workflow_views import ProblemView
from domain.tool import Effects, Tool, ToolLimits, ToolType


class ToolLimitsView(View):
    """Of one process; null: none of its own. `seconds` and `output_bytes` of one call."""

    concurrency: int | None
    calls_per_minute: int | None
    seconds: float | None
    output_bytes: int

    @classmethod
    def of(cls, limits: ToolLimits) -> "ToolLimitsView":
        return cls(
            concurrency=limits.concurrency,
            calls_per_minute=limits.calls_per_minute,
            seconds=limits.seconds,
            output_bytes=limits.output_bytes,
        )


class ToolView(View):
    """`parameters` and `returns` are JSON Schemas. `cost` is of one call, null when it has no price."""

    id: str
    name: str
    type: ToolType
    description: str
    version: str
    author: str | None
    tags: list[str]
    parameters: dict[str, JsonValue]
    required_parameters: list[str]
    optional_parameters: list[str]
    returns: dict[str, JsonValue]
    effects: Effects
    examples: list[dict[str, JsonValue]]
    limits: ToolLimitsView
    cost: MoneyView | None

    @classmethod
    def of(cls, tool: Tool) -> "ToolView":
        about, config = tool.metadata, tool.config
        return cls(
            id=tool.id,
            name=tool.name,
            type=tool.tool_type,
            description=about.description,
            version=about.version,
            author=about.author,
            tags=list(about.tags),
            parameters=json_object(tool.parameters),
            required_parameters=list(config.required_parameters),
            optional_parameters=list(config.optional_parameters),
            returns=json_object(tool.returns),
            effects=tool.effects,
            examples=[json_object(example) for example in tool.examples],
            limits=ToolLimitsView.of(tool.limits),
            cost=perhaps(MoneyView.of, tool.cost),
        )


class ToolCheckView(View):
    """`tool`: what the document describes, when it is valid."""

    valid: bool
    problems: list[ProblemView]
    tool: ToolView | None


class RegisteredToolView(View):
    """`is_new`: the tenant had none of that name."""

    is_new: bool
    tool: ToolView


class RefusedToolView(View):
    """`at`: its place among the documents, from 0. `name`: as far as it has one."""

    at: int
    name: str
    problems: list[ProblemView]


class ToolBatchView(View):
    """`new` and `replaced`: names."""

    new: list[str]
    replaced: list[str]
    refused: list[RefusedToolView]

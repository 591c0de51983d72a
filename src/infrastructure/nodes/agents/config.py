"""The keys of an `agent` node."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import ConfigDict, Field

from domain.usage import Money
from infrastructure.nodes.approving import Approval
from infrastructure.nodes.config import Name, NodeConfig, Written
from infrastructure.nodes.prompting import UsedPrompt

MOST_TURNS: Final = 1_000
Letters: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,47}$")]
"""What providers take as part of a tool's name."""
Amount: TypeAlias = Annotated[str, Field(pattern=r"^[0-9]{1,12}(\.[0-9]{1,12})?$")] | Annotated[float, Field(ge=0, le=1e12)]


class Consent(StrEnum):
    """Whether a tool is called: as the policy has it, when a person approves of the call, or never."""

    AUTO = "auto"
    ASK = "ask"
    DENY = "deny"


class OfferedTool(NodeConfig):
    """A tool with part of its arguments given: the model neither sees nor changes them. `name`, `description`: as the model knows it."""

    tool: Name
    name: Letters | None = None
    description: str | None = None
    arguments: dict[str, Written] = Field(default_factory=dict)


Tool: TypeAlias = Name | OfferedTool
Tools: TypeAlias = Annotated[tuple[Tool, ...], Field(max_length=128)]


class Other(NodeConfig):
    """An agent that the conversation can be handed over to. `handoffs`: to whom it can hand on; without them to all the others. What else
    it does not say is as in the node."""

    description: Annotated[str, Field(min_length=1)]
    instructions: str = ""
    model: Name | None = None
    tools: Tools = ()
    handoffs: tuple[str, ...] | None = None


class Shown(NodeConfig):
    """How much of a long conversation its model is given: at most `max_tokens` of messages, among them what instructs and what it began
    with; then the newest, of which `keep_last` are never left out."""

    max_tokens: Annotated[int, Field(ge=1)]
    keep_last: Annotated[int, Field(ge=1, le=1_000)] = 1


class AgentConfig(NodeConfig):
    """`instructions` and `prompt` are templates (`prompt` may also name a published one), `messages` is a value. `handoffs`: the other
    agents, by name. `approval`: who is asked, and until when. `max_cost_usd`: of all its calls together. `on_limit: stop`: at a limit the
    node finishes with what there is, and `stopped_by`; else it fails. `repeat_limit`: in so many turns in a row the same call is too often.
    `ping_pong_limit`: so many handoffs in a row may go to and fro between the same two."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["prompt"]}, {"required": ["messages"]}]})

    model: Name
    instructions: str = ""
    prompt: Annotated[str, Field(min_length=1)] | UsedPrompt = ""
    messages: Written = None
    tools: Tools = ()
    handoffs: Annotated[dict[Letters, Other], Field(max_length=32)] = Field(default_factory=dict)
    approvals: dict[str, Consent] = Field(default_factory=dict)
    approval: Approval | None = None
    plan: bool = True
    max_turns: Annotated[int, Field(ge=1, le=MOST_TURNS)] = 10
    max_cost_usd: Amount | None = None
    on_limit: Literal["fail", "stop"] = "fail"
    repeat_limit: Annotated[int, Field(ge=2, le=100)] = 3
    max_handoffs: Annotated[int, Field(ge=1, le=1_000)] = 20
    ping_pong_limit: Annotated[int, Field(ge=1, le=100)] = 6
    response_schema: dict[str, Written] | bool | None = None
    context: Shown | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    seed: int | None = None
    options: dict[str, Written] = Field(default_factory=dict)

    @property
    def most_money(self) -> Money | None:
        """By way of the text that was written: a float never counts money."""
        return None if self.max_cost_usd is None else Money(Decimal(str(self.max_cost_usd)))


def tool_of(offered: Tool) -> OfferedTool:
    return OfferedTool(tool=offered) if isinstance(offered, str) else offered


def name_of(offered: Tool) -> str:
    """As the model knows it."""
    written = tool_of(offered)
    return written.name or written.tool

"""A tool is the only way a run touches the world."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, NamedTuple

from domain.errors import Failure
from domain.ids import ToolId
from domain.json import Json, JsonObject
from domain.usage import Money, Usage

MOST_OUTPUT_BYTES: Final = 4 * 1024 * 1024
"""Of a tool's output as JSON, where its limits do not say."""


class ToolType(StrEnum):
    """Where its code is: in Weft, in a Python package, behind a URL, in a server of the Model Context Protocol."""

    BUILTIN = "builtin"
    NATIVE = "native"
    REST = "rest"
    MCP = "mcp"


class Effects(StrEnum):
    """`none` only reads and may be called again freely; `idempotent` may be called again with the same key; `once` is called at most once:
    when its outcome is not known, a person decides."""

    NONE = "none"
    IDEMPOTENT = "idempotent"
    ONCE = "once"


class ParameterType(StrEnum):
    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"
    ARRAY = "array"
    OBJECT = "object"


@dataclass(frozen=True, slots=True)
class ParameterDefinition:
    name: str
    parameter_type: ParameterType
    required: bool
    default_value: Json = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class ToolMetadata:
    description: str
    version: str = "1.0.0"
    author: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolConfig:
    """What a call takes: JSON Schemas by name, each either required or optional."""

    parameters: Mapping[str, Json]
    required_parameters: tuple[str, ...]
    optional_parameters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ToolLimits:
    """Of one process: `concurrency` calls at once, `calls_per_minute`, `seconds` for one call, `output_bytes` of what it returns as JSON.
    None: no limit of its own (a call outside any run has 60 seconds)."""

    concurrency: int | None = None
    calls_per_minute: int | None = None
    seconds: float | None = None
    output_bytes: int = MOST_OUTPUT_BYTES


NO_LIMITS: Final = ToolLimits()


class Taken(NamedTuple):
    """What whoever calls a tool has to prepare for. `costs`: it has a price."""

    effects: Effects
    costs: bool


@dataclass(frozen=True, slots=True)
class Tool:
    """`parameters` and `returns` are JSON Schemas; every call is checked against both. `cost`: of one call, None when it has no price."""

    name: str
    tool_type: ToolType
    parameters: JsonObject
    metadata: ToolMetadata
    returns: JsonObject = field(default_factory=dict)
    effects: Effects = Effects.NONE
    examples: tuple[Mapping[str, Json], ...] = ()
    limits: ToolLimits = NO_LIMITS
    cost: Money | None = None

    @property
    def id(self) -> ToolId:
        """Names are unique among the tools that a tenant can call, whatever their types."""
        return ToolId(f"{self.tool_type}/{self.name}")

    @property
    def taken(self) -> Taken:
        return Taken(self.effects, self.cost is not None)

    @property
    def most(self) -> Usage | None:
        """What a call uses, as the ledger names it; None where it has no price."""
        return None if self.cost is None else Usage(f"tool/{self.name}", 0, 0, self.cost)

    @property
    def config(self) -> ToolConfig:
        properties, required = self.parameters.get("properties"), self.parameters.get("required")
        named = properties if isinstance(properties, Mapping) else {}
        must = tuple(name for name in named if isinstance(required, list | tuple) and name in required)
        return ToolConfig(named, must, tuple(name for name in named if name not in must))


@dataclass(frozen=True, slots=True)
class ToolExecutionResult:
    """`success` exactly when `error` is None. `execution_time` in seconds, from a monotonic clock. `unknown`: it failed in a way that does
    not tell whether it did what it does (no answer in time, an error that it did not mean to raise, an answer that cannot be used). `cost`:
    what it costs, once it was called, where it has a price."""

    output: Json = None
    error: Failure | None = None
    execution_time: float = 0.0
    token_usage: Usage | None = None
    unknown: bool = False
    cost: Money | None = None

    @property
    def success(self) -> bool:
        return self.error is None

    def used_by(self, tool: str) -> Usage | None:
        """What the call cost stands in the ledger beside what models cost."""
        usage, cost = self.token_usage, self.cost
        if cost is None:
            return usage
        if usage is None:
            return Usage(f"tool/{tool}", 0, 0, cost)
        return replace(usage, cost=cost if usage.cost is None else usage.cost + cost)

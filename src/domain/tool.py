"""A tool is the only way a run touches the world."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from domain.errors import Failure
from domain.json import Json, JsonObject
from domain.usage import Usage


class ToolType(StrEnum):
    BUILTIN = "builtin"
    NATIVE = "native"


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
class Tool:
    """`parameters` and `returns` are JSON Schemas; every call is checked against both."""

    name: str
    tool_type: ToolType
    parameters: JsonObject
    metadata: ToolMetadata
    returns: JsonObject = field(default_factory=dict)
    effects: Effects = Effects.NONE
    examples: tuple[Mapping[str, Json], ...] = ()


@dataclass(frozen=True, slots=True)
class ToolExecutionResult:
    """`success` exactly when `error` is None. `execution_time` in seconds, from a monotonic clock. `unknown`: it failed in a way that does
    not tell whether it did what it does (no answer in time, an error that it did not mean to raise, an answer that cannot be used)."""

    output: Json = None
    error: Failure | None = None
    execution_time: float = 0.0
    token_usage: Usage | None = None
    unknown: bool = False

    @property
    def success(self) -> bool:
        return self.error is None

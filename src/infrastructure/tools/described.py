"""A tool from a document: what every type's documents share, checked here; what only one type has is checked and made by its maker."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field
from pydantic import ValidationError as PydanticError

from domain.errors import FactoryError, Problem, ValidationError
from domain.json import Json, JsonObject
from domain.ports.schemas import Schema, Schemas
from domain.tool import MOST_OUTPUT_BYTES, Effects, Tool, ToolLimits, ToolMetadata, ToolType
from domain.usage import Money
from infrastructure.schemas import pointer_to
from infrastructure.tools.calling import NAME, CheckedTool
from infrastructure.tools.runnable import Run

MOST_PROBLEMS: Final = 200


class Maker(Protocol):
    """Of one type of tools."""

    def make(self, config: JsonObject, tool: Tool) -> tuple[Run | None, Sequence[Problem]]:
        """What the tool does, or everything wrong with the type's own part, with pointers relative to it: never both, never neither."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class LimitsPart(_Part):
    concurrency: Annotated[int, Field(strict=True, ge=1, le=10_000)] | None = None
    calls_per_minute: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] | None = None
    seconds: Annotated[float, Field(gt=0, le=3600)] | None = None
    output_bytes: Annotated[int, Field(strict=True, ge=1, le=64 * 1024 * 1024)] = MOST_OUTPUT_BYTES


class ExamplePart(_Part):
    arguments: dict[str, Any]
    output: Any = None


class ToolDocument(_Part):
    """`parameters`: JSON Schema of an object. `effects`: `none` only reads, `idempotent` may be called again with the same key, `once` is
    called at most once. `config`: what only tools of this `type` have."""

    name: Annotated[str, Field(pattern=f"^{NAME.pattern}$")]
    type: Literal["rest"]
    description: Annotated[str, Field(min_length=1, max_length=4_000)]
    version: Annotated[str, Field(pattern=r"^[0-9A-Za-z.+-]{1,64}$")] = "1.0.0"
    author: Annotated[str, Field(max_length=200)] | None = None
    tags: Annotated[list[Annotated[str, Field(min_length=1, max_length=64)]], Field(max_length=50)] = Field(default_factory=list)
    effects: Effects = Effects.ONCE
    parameters: dict[str, Any] = Field(default_factory=lambda: {"type": "object", "properties": {}, "additionalProperties": False})
    returns: dict[str, Any] = Field(default_factory=dict)
    examples: Annotated[list[ExamplePart], Field(max_length=20)] = Field(default_factory=list)
    limits: LimitsPart = Field(default_factory=LimitsPart)
    cost_usd: Annotated[str, Field(pattern=r"^[0-9]{1,12}(\.[0-9]{1,12})?$")] | None = None
    config: dict[str, Any]

    def tool(self) -> Tool:
        return Tool(
            name=self.name,
            tool_type=ToolType(self.type),
            parameters=self.parameters,
            metadata=ToolMetadata(self.description, self.version, self.author, tuple(self.tags)),
            returns=self.returns,
            effects=self.effects,
            examples=tuple(example.model_dump() for example in self.examples),
            limits=ToolLimits(**self.limits.model_dump()),
            cost=None if self.cost_usd is None else Money(Decimal(self.cost_usd)),
        )


@dataclass(frozen=True, slots=True)
class Described:
    """`makers`: by type; a type without one is a `FactoryError`."""

    schemas: Schemas
    makers: Mapping[ToolType, Maker]

    def checked(self, document: Json) -> CheckedTool:
        """`ValidationError` has every problem, each with a pointer into the document."""
        try:
            read = ToolDocument.model_validate(document)
        except PydanticError as error:
            raise _refused(_problems_of(error)) from None
        tool = read.tool()
        maker = self.makers.get(tool.tool_type)
        if maker is None:
            raise FactoryError(f"nothing here makes tools of the type {tool.tool_type}")
        problems: list[Problem] = []
        arguments = self._schema("/parameters", tool.parameters, problems)
        output = self._schema("/returns", tool.returns, problems)
        if tool.parameters.get("type") != "object":
            problems.append(Problem("/parameters/type", "no_object", "arguments come by name: the type is `object`"))
        problems += _wrong_examples(arguments, read.examples)
        run, wrong = maker.make(read.config, tool)
        problems += [_below("/config", problem) for problem in wrong]
        if problems or run is None or arguments is None or output is None:
            raise _refused(problems)
        return CheckedTool(tool, run, arguments, output)

    def _schema(self, at: str, schema: JsonObject, problems: list[Problem]) -> Schema | None:
        try:
            return self.schemas.compile(schema)
        except ValidationError as error:
            problems += [_below(at, problem) for problem in error.problems]
            return None


def _wrong_examples(arguments: Schema | None, examples: Sequence[ExamplePart]) -> list[Problem]:
    if arguments is None:
        return []
    return [
        _below(f"/examples/{number}/arguments", problem)
        for number, example in enumerate(examples)
        for problem in arguments.problems(example.arguments)
    ]


def _below(at: str, problem: Problem) -> Problem:
    return Problem(at + problem.pointer, problem.code, problem.message)


def _problems_of(error: PydanticError) -> list[Problem]:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return [Problem(pointer_to(one["loc"]), one["type"], one["msg"]) for one in found]


def _refused(problems: Sequence[Problem]) -> ValidationError:
    said = "; ".join(f"{one.pointer or '/'}: {one.message}" for one in problems[:3])
    more = f"; and {len(problems) - 3} more" if len(problems) > 3 else ""
    return ValidationError(f"this describes no tool: {said}{more}", problems[:MOST_PROBLEMS])

"""What a node says to its model: a template of its own, or a published prompt."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Protocol

from pydantic import ConfigDict, Field

from domain.errors import NodeExecutionError
from domain.json import Json, JsonObject
from domain.ports.expressions import Value
from domain.ports.nodes import NodeContext, Workshop
from domain.ports.prompts import ReadyPrompt
from domain.ports.templates import Template
from infrastructure.nodes.config import NodeConfig, Written
from infrastructure.nodes.findings import Findings

_SEGMENT = r"[A-Za-z][A-Za-z0-9_.-]*"


class UsedPrompt(NodeConfig):
    """`use`: `name@3`, or `name` for the version that is rolled out. `with`: a value for each variable that has no default."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True, populate_by_name=False)

    use: Annotated[str, Field(pattern=rf"^{_SEGMENT}(/{_SEGMENT})*(@[1-9][0-9]{{0,8}})?$", max_length=220)]
    values: dict[str, Written] = Field(default_factory=dict, alias="with")


class Prompting(Protocol):
    @property
    def paths(self) -> frozenset[tuple[str, ...]]:
        """What of the scope it reads."""

    def __call__(self, context: NodeContext) -> tuple[JsonObject, ...]:
        """Messages, in their order. `UnfitVariables` and `ExpressionError` when it cannot be rendered."""

    def reference(self, context: NodeContext) -> str:
        """The published version, as `name@3`; "" for a template of the node's own."""


@dataclass(frozen=True, slots=True)
class OwnPrompt:
    template: Template

    @property
    def paths(self) -> frozenset[tuple[str, ...]]:
        return self.template.paths

    def __call__(self, context: NodeContext) -> tuple[JsonObject, ...]:
        return ({"role": "user", "content": self.template(context.scope)},)

    def reference(self, context: NodeContext) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class PublishedPrompt:
    use: str
    values: Mapping[str, Value]

    @property
    def paths(self) -> frozenset[tuple[str, ...]]:
        return frozenset(path for value in self.values.values() for path in value.paths)

    def __call__(self, context: NodeContext) -> tuple[JsonObject, ...]:
        given: dict[str, Json] = {name: value(context.scope) for name, value in self.values.items()}
        return self._ready(context)(given)

    def reference(self, context: NodeContext) -> str:
        return self._ready(context).reference

    def _ready(self, context: NodeContext) -> ReadyPrompt:
        found = context.prompts.get(self.use)
        if found is None:
            raise NodeExecutionError(f"the run knows no prompt {self.use}", "prompt_not_found")
        return found


def prompting(written: str | UsedPrompt, workshop: Workshop) -> Prompting:
    if isinstance(written, str):
        return OwnPrompt(workshop.templates.compile(written))
    return PublishedPrompt(written.use, {name: workshop.expressions.value(value) for name, value in written.values.items()})


def look_at_prompt(findings: Findings, written: str | UsedPrompt) -> None:
    """Whether a published one is there, and takes these variables, is found where the tenant is known."""
    if isinstance(written, str):
        findings.template("/prompt", written)
    else:
        findings.value("/prompt/with", dict(written.values))

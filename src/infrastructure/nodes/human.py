"""`human` shows something to a person and waits for the answer, holding nothing meanwhile. Output: the answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import Field

from domain.errors import NodeExecutionError
from domain.graph.definition import Join, Node
from domain.json import Json, JsonObject
from domain.ports.expressions import Value
from domain.ports.nodes import Executor, Finished, Inspection, NodeContext, Park, Workshop
from domain.ports.schemas import Schema
from domain.question import OnDeadline
from infrastructure.nodes.asking import Asked, Asking, catches
from infrastructure.nodes.config import Written, read_config, schema_of
from infrastructure.nodes.findings import Findings

_SHOWN: Final = 3


class HumanConfig(Asking):
    """`show` and `default` are values; `schema` is the JSON Schema of the answer, and stands as it is."""

    show: Written = Field(default_factory=dict)
    answers: dict[str, Any] = Field(default={"type": "object"}, alias="schema")
    on_deadline: OnDeadline | None = None
    """Without it the default, where there is one; else the node fails."""
    default: Written = None

    @property
    def has_default(self) -> bool:
        return "default" in self.model_fields_set

    @property
    def then(self) -> OnDeadline:
        return self.on_deadline or (OnDeadline.DEFAULT if self.has_default else OnDeadline.FAIL)


@dataclass(frozen=True, slots=True)
class Asks:
    """The node, compiled."""

    asked: Asked
    show: Value
    answers: JsonObject
    schema: Schema
    default: Value | None

    def __call__(self, context: NodeContext) -> Park:
        default = None if self.default is None else self.default(context.scope)
        if self.default is not None and not self.schema.accepts(default):
            found = "; ".join(f"{problem.pointer or '/'}: {problem.message}" for problem in self.schema.problems(default)[:_SHOWN])
            raise NodeExecutionError(f"`default` is no answer that `schema` takes: {found}", "invalid_default")
        return self.asked.park(context, self.show(context.scope), self.answers, default)


def _finish(context: NodeContext) -> Finished:
    assert context.answer is not None, "it runs when it is answered"
    return Finished(context.answer.value)


@dataclass(frozen=True, slots=True)
class HumanKind:
    name: str = "human"
    default_join: Join | None = None

    @property
    def schema(self) -> JsonObject:
        return schema_of(HumanConfig)

    def inspect(self, node: Node, workshop: Workshop) -> Inspection:
        config, findings = read_config(HumanConfig, node), Findings(workshop)
        findings.value("/show", config.show)
        findings.value("/default", config.default)
        config.look_at("", findings)
        findings.schema("/schema", config.answers)
        if not findings.problems:
            _look_at_deadline(config, findings)
        return findings.inspection(fails_with=catches(config.then, "/on_deadline"))

    def build(self, node: Node, workshop: Workshop) -> Executor:
        config, value = read_config(HumanConfig, node), workshop.expressions.value
        default = value(config.default) if config.has_default else None
        asks = Asks(
            config.compiled(config.then, workshop), value(config.show), config.answers, workshop.schemas.compile(config.answers), default
        )
        return Executor(_finish, waits=False, asks=asks)


def _look_at_deadline(config: HumanConfig, findings: Findings) -> None:
    if (config.on_deadline is not None or config.has_default) and not config.has_deadline:
        findings.problem("", "deadline_missing", "`on_deadline` and `default` mean nothing without `deadline_seconds`")
    if config.then is OnDeadline.DEFAULT and not config.has_default:
        findings.problem("/on_deadline", "default_missing", "say with `default` what the answer is when nobody gives one")
    if config.has_default and config.then is not OnDeadline.DEFAULT:
        findings.problem("/default", "default_unused", f"`on_deadline: {config.then.value}` takes no default")
    if config.has_default and not _is_computed(config.default):
        for problem in findings.workshop.schemas.compile(config.answers).problems(config.default):
            findings.problem(f"/default{problem.pointer}", problem.code, problem.message)


def _is_computed(written: Json) -> bool:
    if isinstance(written, str):
        return "${" in written
    below = written.values() if isinstance(written, Mapping) else written if isinstance(written, list | tuple) else ()
    return any(map(_is_computed, below))


kind = HumanKind()

"""`tool`: one call of a tool. Output: what the tool returned."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from pydantic import Field

from domain.errors import Failure, NodeExecutionError, Problem, ToolError, ToolNotFound, failure_of
from domain.graph.definition import Join, Node
from domain.json import Json, JsonObject
from domain.ports.nodes import Executor, Finished, Inspection, Intended, NodeContext, Workshop
from domain.ports.tools import ToolContext, Tools
from domain.question import OnDeadline
from domain.tool import Effects, Tool, ToolExecutionResult
from domain.usage import Money, Usage
from infrastructure.nodes.approving import Approval, Approved, answers_of
from infrastructure.nodes.asking import catches
from infrastructure.nodes.config import Name, NodeConfig, Written, read_config, schema_of
from infrastructure.nodes.findings import Findings, step
from infrastructure.nodes.tool_calls import called_by

NOTHING: Final = Money(Decimal(0))
_WHATEVER_THE_VALUES = ("schema_required", "schema_additionalProperties")


class ToolConfig(NodeConfig):
    """`arguments` is a value that gives an object. `approval`: a person is asked before the call."""

    tool: Name
    arguments: dict[str, Written] | str = Field(default_factory=dict)
    approval: Approval | None = None


class FailedCall(ToolError):
    """A tool's own failure, with what the call used. `is_answer`: it tells that the tool did not do what it does."""

    def __init__(self, failure: Failure, usage: Usage | None, *, is_answer: bool) -> None:
        super().__init__(failure.message, failure.code, retryable=failure.retryable)
        self.retry_after = failure.retry_after
        self.usage = usage
        self.is_answer = is_answer


@dataclass(frozen=True, slots=True)
class ToolCall:
    tool: str
    tools: Tools
    approved: Approved
    effects: Effects

    async def __call__(self, context: NodeContext) -> Finished:
        try:
            asked, arguments = replace(_context_of(context), effects=self.effects), self.approved.arguments(context)
            with charged_when_cut_off(self._most):
                return _finished(self.tool, await self.tools.call(self.tool, arguments, asked))
        except ToolNotFound as error:  # removed since
            raise FailedCall(failure_of(error), None, is_answer=True) from None

    def reserve(self, context: NodeContext) -> Usage:
        """Where its price is gone by now, it uses nothing that anybody counts."""
        return self._most or Usage(f"tool/{self.tool}", 0, 0, NOTHING)

    @property
    def _most(self) -> Usage | None:
        return self.tools.get(self.tool).most

    def intend(self, context: NodeContext) -> Intended:
        self.tools.must_be_allowed(self.tool, _context_of(context))  # the same as at the call, before it is announced
        return Intended(self.tool, self.approved.arguments(context))


def _context_of(context: NodeContext) -> ToolContext:
    return replace(called_by(context), approved_by="" if context.answer is None else context.answer.by)


def _finished(tool: str, result: ToolExecutionResult) -> Finished:
    usage = result.used_by(tool)
    if result.error is not None:
        raise FailedCall(result.error, usage, is_answer=not result.unknown)
    return Finished(result.output, usage)


@contextmanager
def charged_when_cut_off(most: Usage | None) -> Iterator[None]:
    """Of a call that is stopped nobody hears whether it was charged for: it counts as that."""
    try:
        yield
    except asyncio.CancelledError as error:
        if most is not None:
            error.__dict__["usage"] = most
        raise


def _is_computed(written: Json) -> bool:
    if isinstance(written, str):
        return "${" in written
    below = written.values() if isinstance(written, Mapping) else written if isinstance(written, Sequence) else ()
    return any(map(_is_computed, below))


def _argument_problems(tool: Tool, arguments: JsonObject, workshop: Workshop) -> list[Problem]:
    """What can be told before the run: of arguments that are computed, only their names."""
    computed = {name for name, written in arguments.items() if _is_computed(written)}
    found = workshop.schemas.compile(tool.parameters).problems(arguments)
    return [
        Problem("/arguments" + problem.pointer, problem.code, f"`{tool.name}`: {problem.message}")
        for problem in found
        if (not computed or problem.pointer or problem.code in _WHATEVER_THE_VALUES)
        and not any(f"{problem.pointer}/".startswith(f"{step(name)}/") for name in computed)
    ]


@dataclass(frozen=True, slots=True)
class ToolKind:
    name: str = "tool"
    default_join: Join | None = None

    @property
    def schema(self) -> JsonObject:
        return schema_of(ToolConfig)

    def inspect(self, node: Node, workshop: Workshop) -> Inspection:
        config, findings = read_config(ToolConfig, node), Findings(workshop)
        findings.value("/arguments", config.arguments)
        try:
            tool = workshop.tools.get(config.tool)
        except ToolNotFound as error:
            findings.problem("/tool", "unknown_tool", error.message)
        else:
            if isinstance(config.arguments, dict):
                findings.problems.extend(_argument_problems(tool, config.arguments, workshop))
            if config.approval is not None:
                _look_at_approval(config.approval, tool, findings)
        then = catches(config.approval.on_deadline, "/approval/on_deadline") if config.approval is not None else ()
        return findings.inspection(fails_with=then)

    def build(self, node: Node, workshop: Workshop) -> Executor:
        config = read_config(ToolConfig, node)
        tool = workshop.tools.get(config.tool)
        approved = _approved(config, tool, workshop)
        call = ToolCall(config.tool, workshop.tools, approved, tool.effects)
        return Executor(
            call,
            effects=tool.effects is not Effects.NONE,
            intend=call.intend if tool.effects is Effects.ONCE else None,
            asks=approved.ask,
            reserve=None if tool.cost is None else call.reserve,
            takes=(tool.name, tool.taken),
        )


def _look_at_approval(approval: Approval, tool: Tool, findings: Findings) -> None:
    approval.look_at("/approval", findings)
    if approval.on_deadline is OnDeadline.DEFAULT:
        findings.problem("/approval/on_deadline", "no_default", "nothing is approved by default: say `fail` or `edge`")
    if approval.editable:
        findings.schema("/approval/editable", answers_of(tool.parameters, "", editable=True))


def _approved(config: ToolConfig, tool: Tool, workshop: Workshop) -> Approved:
    """By whom the node itself says, or, where only the policy asks, by any operator."""
    approval, value = config.approval or Approval(), workshop.expressions.value(config.arguments)

    def is_due(context: NodeContext) -> bool:
        return not workshop.tools.must_be_allowed(tool.name, _context_of(context))

    def given(context: NodeContext) -> JsonObject:
        arguments = value(context.scope)
        if not isinstance(arguments, Mapping):
            raise NodeExecutionError("`arguments` must give an object", "invalid_arguments")
        return arguments

    asked = approval.compiled(approval.on_deadline, workshop)
    return Approved(tool.name, tool.parameters, approval.editable, asked, given, config.approval is not None, is_due)


kind = ToolKind()

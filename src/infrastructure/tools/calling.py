"""One call of a tool: both sides checked, timed, and whatever goes wrong made an answer."""

import asyncio
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from domain.errors import ExpressionError, FactoryError, Failure, Problem, ToolError, ValidationError, WeftError, failure_of
from domain.json import Json, JsonObject
from domain.ports.clock import Clock
from domain.ports.schemas import Schema, Schemas
from domain.ports.tools import ToolContext
from domain.tool import Tool, ToolExecutionResult
from infrastructure.json_bounds import plain, weigh
from infrastructure.tools.runnable import Run, RunnableTool

NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
"""What every model provider takes as the name of a function."""
MAX_SHOWN: Final = 10
MAX_MESSAGE: Final = 2_000
NO_ANSWER: Final = frozenset({"timeout", "tool_died", "invalid_output"})
"""Errors that do not tell whether the tool did what it does, beside a `ToolError` that says so of itself; one that it did not mean to raise
tells it neither."""
log = logging.getLogger(__name__)


def check_definition(tool: Tool) -> None:
    if not NAME.fullmatch(tool.name):
        raise FactoryError(f"{tool.name!r} is no name for a tool: a letter, then at most 63 letters, digits, _ and -")


@dataclass(frozen=True, slots=True)
class CheckedTool:
    tool: Tool
    run: Run
    arguments: Schema
    output: Schema

    @classmethod
    def of(cls, runnable: RunnableTool, schemas: Schemas) -> "CheckedTool":
        """`FactoryError` when its name or a schema of it cannot be used."""
        tool = runnable.tool
        check_definition(tool)
        try:
            return cls(tool, runnable.run, schemas.compile(tool.parameters), schemas.compile(tool.returns))
        except ValidationError as error:
            raise FactoryError(f"the tool {tool.name} has a schema that cannot be used: {error.message}") from error

    async def call(self, arguments: JsonObject, context: ToolContext, clock: Clock) -> ToolExecutionResult:
        """Never raises for what the tool does; being cancelled is the caller's, and passes."""
        began = clock.monotonic()
        try:
            output = await self._within_deadline(arguments, context)
        except asyncio.CancelledError:
            if _is_asked_to_stop():
                raise
            failure = Failure("tool_failed", f"{self.tool.name} cancelled itself")
            return ToolExecutionResult(error=failure, execution_time=clock.monotonic() - began, unknown=True)
        # A tool that wants to leave the process fails like any other.
        except (Exception, SystemExit) as error:
            seconds = clock.monotonic() - began
            return ToolExecutionResult(error=self._failure(error), execution_time=seconds, unknown=not _is_answer(error))
        return ToolExecutionResult(output, execution_time=clock.monotonic() - began)

    async def _within_deadline(self, arguments: JsonObject, context: ToolContext) -> Json:
        seconds = context.deadline_seconds
        deadline = asyncio.timeout(seconds)
        try:
            async with deadline:
                return self._accepted_output(await self.run(self._accepted_arguments(arguments), context))
        except TimeoutError:
            if not deadline.expired():
                raise
            raise ToolError(f"{self.tool.name} did not answer within {seconds:g} seconds", "timeout", retryable=True) from None

    def _accepted_arguments(self, arguments: JsonObject) -> dict[str, Json]:
        """A copy: what a tool does to its arguments is nobody else's business."""
        try:
            weigh(arguments)
            copied = {name: plain(value) for name, value in arguments.items()}
        except ExpressionError as error:
            raise ToolError(f"invalid arguments for {self.tool.name}: {error.message}", "invalid_arguments") from None
        if not self.arguments.accepts(copied):
            raise ToolError(f"invalid arguments for {self.tool.name}: {_said(self.arguments.problems(copied))}", "invalid_arguments")
        return copied

    def _accepted_output(self, returned: object) -> Json:
        try:
            weigh(returned)
            output = plain(returned)
        except ExpressionError as error:
            raise ToolError(f"{self.tool.name} returned what is no usable JSON: {error.message}", "invalid_output") from None
        if not self.output.accepts(output):
            raise ToolError(f"{self.tool.name} returned what its schema refuses: {_said(self.output.problems(output))}", "invalid_output")
        return output

    def _failure(self, error: BaseException) -> Failure:
        if isinstance(error, WeftError):
            return failure_of(error)
        log.warning("the tool %s raised", self.tool.name, exc_info=error)
        return Failure("tool_failed", f"{self.tool.name} raised {type(error).__name__}: {error}"[:MAX_MESSAGE])


def _is_asked_to_stop() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _is_answer(error: BaseException) -> bool:
    """Does it tell that the tool did not do what it does?"""
    if isinstance(error, ToolError) and error.unknown:
        return False
    return isinstance(error, WeftError) and error.code not in NO_ANSWER


def _said(problems: Sequence[Problem]) -> str:
    shown = [f"{one.pointer or '/'}: {one.message}" for one in problems[:MAX_SHOWN]]
    more = len(problems) - len(shown)
    return "; ".join([*shown, f"and {more} more"] if more > 0 else shown)

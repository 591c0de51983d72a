"""One call of a tool: both sides checked, timed, and whatever goes wrong made an answer."""

import asyncio
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import orjson

from domain.errors import ExpressionError, FactoryError, Failure, Problem, TooHeavy, ToolError, ValidationError, WeftError, failure_of
from domain.json import Json, JsonObject
from domain.ports.clock import Clock
from domain.ports.schemas import Schema, Schemas
from domain.ports.secrets import Redact
from domain.ports.tools import ToolContext
from domain.tool import Tool, ToolExecutionResult
from domain.words import shown
from infrastructure.json_bounds import plain, weigh
from infrastructure.secrets.redacted import redacted
from infrastructure.tools.deadlines import Late, in_time
from infrastructure.tools.runnable import Run, RunnableTool

NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
"""What every model provider takes as the name of a function."""
MAX_SHOWN: Final = 10
MAX_MESSAGE: Final = 2_000
MAX_SAID: Final = 64 * 1024
"""Of what a tool says went wrong so much is looked through for secrets, and cut only then: of a part of one nobody sees what it is."""
NO_ANSWER: Final = frozenset({"timeout", "tool_died", "invalid_output", "output_too_large"})
"""Errors that do not tell whether the tool did what it does, beside a `ToolError` that says so of itself; one that it did not mean to raise
tells it neither."""
UNCALLED: Final = "invalid_arguments"
NO_THREAD: Final = "no_thread"
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

    async def call(self, arguments: JsonObject, context: ToolContext, clock: Clock, redact: Redact = str) -> ToolExecutionResult:
        """Never raises for what the tool does; being cancelled is the caller's, and passes. Only failures are looked at by `redact`."""
        began = clock.monotonic()
        try:
            output = await self._within_deadline(arguments, context, redact)
        except asyncio.CancelledError:
            if _is_asked_to_stop():
                raise
            failure, unknown = Failure("tool_failed", f"{self.tool.name} cancelled itself"), True
        # A tool that wants to leave the process fails like any other.
        except (Exception, SystemExit) as error:
            failure, unknown = self._failure(error, redact), not _is_answer(error)
        else:
            return ToolExecutionResult(output, execution_time=clock.monotonic() - began, cost=self.tool.cost)
        cost = None if failure.code in (UNCALLED, NO_THREAD) else self.tool.cost
        return ToolExecutionResult(error=failure, execution_time=clock.monotonic() - began, unknown=unknown, cost=cost)

    async def _within_deadline(self, arguments: JsonObject, context: ToolContext, redact: Redact) -> Json:
        seconds, own = context.deadline_seconds, self.tool.limits.seconds
        if own is not None and (seconds is None or own < seconds):
            seconds, context = own, replace(context, deadline_seconds=own)
        try:
            return self._accepted_output(await in_time(self.run(self._accepted_arguments(arguments), context), seconds), redact)
        except Late:
            raise ToolError(f"{self.tool.name} did not answer within {seconds:g} seconds", "timeout", retryable=True) from None

    def _accepted_arguments(self, arguments: JsonObject) -> dict[str, Json]:
        """A copy: what a tool does to its arguments is nobody else's business."""
        try:
            weigh(arguments)
            copied = {name: plain(value) for name, value in arguments.items()}
        except ExpressionError as error:
            raise ToolError(f"invalid arguments for {self.tool.name}: {error.message}", UNCALLED) from None
        if not self.arguments.accepts(copied):
            raise ToolError(f"invalid arguments for {self.tool.name}: {_said(self.arguments.problems(copied))}", UNCALLED)
        return copied

    def _accepted_output(self, returned: object, redact: Redact) -> Json:
        try:
            weigh(returned)
            output = plain(returned)
        except TooHeavy:
            raise self._too_large() from None
        except ExpressionError as error:
            raise ToolError(f"{self.tool.name} returned what is no usable JSON: {error.message}", "invalid_output") from None
        self._must_fit(output)
        if not self.output.accepts(output):
            problems = _said(self.output.problems(redacted(output, redact)))
            raise ToolError(f"{self.tool.name} returned what its schema refuses: {problems or 'it holds a secret'}", "invalid_output")
        return output

    def _must_fit(self, output: Json) -> None:
        """Into what it may return, and into a database: JSON of text without NUL."""
        try:
            body = orjson.dumps(output)
        except TypeError:
            raise ToolError(f"{self.tool.name} returned a text that is no Unicode", "invalid_output") from None
        if len(body) > self.tool.limits.output_bytes:
            raise self._too_large()
        if b"\\u0000" in body and _has_nul(output):
            raise ToolError(f"{self.tool.name} returned a text with NUL in it", "invalid_output")

    def _too_large(self) -> ToolError:
        return ToolError(f"{self.tool.name} returned more than {self.tool.limits.output_bytes:,} bytes of JSON", "output_too_large")

    def _failure(self, error: BaseException, redact: Redact) -> Failure:
        if isinstance(error, WeftError):
            failure = failure_of(error)
            return replace(failure, message=shown(redact(failure.message[:MAX_SAID]), MAX_MESSAGE))
        log.warning("the tool %s raised", self.tool.name, exc_info=error)
        said = f"{self.tool.name} raised {type(error).__name__}: {error}"
        return Failure("tool_failed", shown(redact(said[:MAX_SAID]), MAX_MESSAGE))


def _is_asked_to_stop() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _is_answer(error: BaseException) -> bool:
    """Does it tell that the tool did not do what it does?"""
    if isinstance(error, ToolError) and error.unknown:
        return False
    return isinstance(error, WeftError) and error.code not in NO_ANSWER


def _has_nul(value: Json) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, Mapping):
        return any("\0" in key for key in value) or any(map(_has_nul, value.values()))
    return isinstance(value, list) and any(map(_has_nul, value))


def _said(problems: Sequence[Problem]) -> str:
    shown = [f"{one.pointer or '/'}: {one.message}" for one in problems[:MAX_SHOWN]]
    more = len(problems) - len(shown)
    return "; ".join([*shown, f"and {more} more"] if more > 0 else shown)

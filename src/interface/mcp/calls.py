"""Calling what is offered: a workflow, a tool, or one of ours for runs."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import anyio
import structlog
from mcp import MCPError
from mcp_types import INVALID_PARAMS, CallToolResult
from pydantic import BaseModel
from pydantic import ValidationError as Misfit

from application.access import Principal
from application.answering import AnswerOrder
from application.desk import Desk
from application.errors import NotFound, Problem, ValidationError, WeftError
from application.offering import start_called
from application.run_orders import RunOrder
from application.runs import CancelOrder, StartedRun
from application.tools import ToolCallOrder
from interface.mcp import naming, results, runtools
from interface.mcp.noted import noted
from interface.mcp.offers import Offers
from interface.mcp.telling import told_on
from interface.mcp.watching import Progress, Watch
from interface.rest.plain import refuse_unstorable

log = structlog.get_logger(__name__)

M = TypeVar("M", bound=BaseModel)
_INPUT: Final = "/input"
_KEY: Final = "/_meta/idempotency_key"
_LONGEST_KEY: Final = 200
_CANCEL_SECONDS: Final = 5.0
_starting: Final[set[asyncio.Task[StartedRun]]] = set()
"""Held here, since nobody else holds one whose caller has gone."""


@dataclass(frozen=True, slots=True)
class Call:
    """`name`: unique among all calls of its key, "" where they have no such names. `dies_with_caller`: whoever made it is gone when it
    is cancelled here. `progress`: None where nobody wants to know."""

    name: str = ""
    key: str | None = None
    dies_with_caller: bool = False
    progress: Progress | None = None


@dataclass(frozen=True, slots=True)
class Calls:
    """`seconds`: so long a call waits for its run."""

    desk: Desk
    who: Principal
    watch: Watch
    seconds: float

    async def __call__(self, offered: str, arguments: Mapping[str, object], call: Call) -> CallToolResult:
        """An `MCPError` for what is not offered; whatever else is wrong is a result that says so, for the model to read."""
        with noted(self.desk, self.who, offered, arguments) as outcome:
            try:
                outcome.result = await self._answered(offered, arguments, call)
            except WeftError as error:
                log.info("a call was refused", tool=offered, code=error.code, reason=error.message)
                outcome.result, outcome.refused = results.of_error(error), error
            return outcome.result

    async def _answered(self, offered: str, arguments: Mapping[str, Any], call: Call) -> CallToolResult:
        refuse_unstorable(b"", dict(arguments), is_json=False)
        _check_key(call.key)
        if (ours := self._ours().get(offered)) is not None:
            return await ours(arguments, call)
        workflow = await Offers(self.desk, self.who).workflow_called(offered)
        if workflow is not None:
            return await self._run(offered, workflow, arguments, call)
        return await self._tool(offered, arguments, call)

    def _ours(self) -> Mapping[str, Callable[[Mapping[str, object], Call], Awaitable[CallToolResult]]]:
        return {
            naming.START_RUN: self._start,
            naming.GET_RUN: self._get,
            naming.ANSWER_RUN: self._answer,
            naming.CANCEL_RUN: self._cancel,
        }

    async def _run(self, offered: str, workflow: str, arguments: Mapping[str, object], call: Call) -> CallToolResult:
        starting = asyncio.create_task(self._started(workflow, arguments, call))
        _starting.add(starting)
        starting.add_done_callback(_has_started)
        try:
            return await self._settled(offered, starting, call)
        except asyncio.CancelledError:
            if call.dies_with_caller and not self.watch.stopping.is_set():
                await self._give_up(starting)
            raise

    async def _settled(self, offered: str, starting: asyncio.Task[StartedRun], call: Call) -> CallToolResult:
        try:
            started = await asyncio.shield(starting)
        except (NotFound, Misfit) as error:
            raise unknown(offered) from error
        except ValidationError as error:
            raise ValidationError(error.message, [_in_arguments(problem) for problem in error.problems]) from error
        view, settled = await self.watch.settled(started.view.id, self.seconds, call.progress)
        return results.of_run(view, settled=settled)

    async def _started(self, workflow: str, arguments: Mapping[str, object], call: Call) -> StartedRun:
        order = RunOrder(workflow=workflow, input=dict(arguments))
        if call.name:
            return await start_called(self.desk.start_run, self.who, order, call.name, call.key)
        return await self.desk.start_run(self.who, order, call.key)

    async def _give_up(self, starting: asyncio.Task[StartedRun]) -> None:
        """Also a run that was about to start when its caller went away."""
        with anyio.CancelScope(shield=True), suppress(WeftError, Misfit):
            started = await starting
            if started.fresh:
                await self.desk.cancel_run(self.who, started.view.id, CancelOrder(reason="the call was cancelled by its caller"))

    async def _tool(self, offered: str, arguments: Mapping[str, object], call: Call) -> CallToolResult:
        tool = await Offers(self.desk, self.who).tool_called(offered)
        try:
            async with told_on(call.progress) as tell:
                result = await self.desk.tools.call(self.who, tool, ToolCallOrder(arguments=dict(arguments)), call.key, tell)
            return results.of_tool(result)
        except NotFound as error:
            raise unknown(offered) from error

    async def _start(self, arguments: Mapping[str, object], call: Call) -> CallToolResult:
        asked = _read(runtools.StartArguments, arguments)
        order = _read(RunOrder, {"workflow": asked.workflow, "input": asked.input})
        started = await self.desk.start_run(self.who, order, call.key)
        return results.of_standing(started.view, settled=False)

    async def _get(self, arguments: Mapping[str, object], call: Call) -> CallToolResult:
        asked = _read(runtools.GetArguments, arguments)
        seconds = min(asked.wait_seconds, self.seconds)
        view, settled = await self.watch.settled(asked.run_id, seconds, call.progress if seconds else None)
        return results.of_standing(view, settled=settled)

    async def _answer(self, arguments: Mapping[str, object], call: Call) -> CallToolResult:
        asked = _read(runtools.AnswerArguments, arguments)
        activation = asked.activation or await self._only_question(asked.run_id)
        order = AnswerOrder(activation=activation, answer=asked.answer)
        await self.desk.answer_run(self.who, asked.run_id, order, call.key)
        view, settled = await self.watch.settled(asked.run_id, self.seconds, call.progress)
        return results.of_standing(view, settled=settled)

    async def _only_question(self, run: str) -> str:
        view = await self.desk.get_run(self.who, run)
        asked = [waiting.activation for waiting in view.waiting_for if waiting.kind == "human"]
        if len(asked) == 1:
            return asked[0]
        there = f"it asks at {', '.join(asked)}: say which" if asked else f"it asks nothing; it is {view.status.value}"
        raise ValidationError(f"which question is answered cannot be told: {there}", [Problem("/activation", "missing", there)])

    async def _cancel(self, arguments: Mapping[str, object], call: Call) -> CallToolResult:
        asked = _read(runtools.CancelArguments, arguments)
        await self.desk.cancel_run(self.who, asked.run_id, CancelOrder(reason=asked.reason))
        view, settled = await self.watch.settled(asked.run_id, min(self.seconds, _CANCEL_SECONDS))
        return results.of_standing(view, settled=settled)


def _has_started(starting: asyncio.Task[StartedRun]) -> None:
    """Its error is for the caller; one that has gone does not hear it."""
    _starting.discard(starting)
    if not starting.cancelled():
        starting.exception()


def unknown(offered: str) -> MCPError:
    return MCPError(INVALID_PARAMS, f"Unknown tool: {offered[:200]}")


def _check_key(key: str | None) -> None:
    if key is not None and not (0 < len(key) <= _LONGEST_KEY and all("!" <= character <= "~" for character in key)):
        sentence = f"an idempotency key has 1 to {_LONGEST_KEY} printable ASCII characters and no space"
        raise ValidationError(sentence, [Problem(_KEY, "bad_key", sentence)])


def _read(model: type[M], arguments: Mapping[str, object]) -> M:
    try:
        return model.model_validate(dict(arguments))
    except Misfit as misfit:
        found = [Problem("/" + "/".join(map(str, error["loc"])), error["type"], error["msg"]) for error in misfit.errors()]
        raise ValidationError("the arguments do not fit: see `problems`", found) from misfit


def _in_arguments(problem: Problem) -> Problem:
    """The input of the order is what the call gave as its arguments."""
    return Problem(problem.pointer.removeprefix(_INPUT), problem.code, problem.message)

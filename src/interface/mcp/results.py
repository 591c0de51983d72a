"""What a call is answered with: the output itself, or what somebody has to know and do next."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from mcp_types import CallToolResult, TextContent
from pydantic import JsonValue

from application.errors import DomainError, Family, WeftError, problems_of
from application.run_views import RunView, WaitingView
from application.views import ToolResultView, plainly
from interface.mcp.naming import ANSWER_RUN, CANCEL_RUN, GET_RUN

_SHOWN: Final = 100
_SEE: Final = ": see `problems`"
"""Which are right below."""
_INSIDE: Final = "something went wrong inside Weft; its log says what"


def of_run(run: RunView, *, settled: bool) -> CallToolResult:
    """Its output when it is completed, an error when it is over without one, else where it stands."""
    about = about_run(run)
    if run.status == "completed":
        output = run.output if isinstance(run.output, dict) else {"output": run.output}
        return _told(output, _text(output), about)
    if run.ended_at is not None:
        failure = {"code": run.status.value, "message": f"the run is {run.status.value}"}
        return of_failure(failure if run.error is None else run.error.model_dump(mode="json"), about)
    return of_standing(run, settled=settled)


def of_standing(run: RunView, *, settled: bool) -> CallToolResult:
    """Its id, its status and what else there is to say of it just now."""
    standing = _standing(run) if run.ended_at else {**_standing(run), "next": _what_next(run, settled=settled)}
    return _told(standing, _text(standing), about_run(run))


def of_tool(result: ToolResultView) -> CallToolResult:
    about: dict[str, Any] = {"execution_time": result.execution_time}
    if result.error is not None:
        return of_failure(result.error.model_dump(mode="json"), about)
    output = result.output
    text = output if isinstance(output, str) else _text(output)
    return _told(output if isinstance(output, dict) else None, text, about)


def of_error(error: WeftError) -> CallToolResult:
    """Every problem with its path in the arguments. Of a fault inside only the code is told."""
    is_told = isinstance(error, DomainError) and error.family is not Family.INTERNAL
    found = [{"path": one.pointer, "code": one.code, "message": one.message} for one in problems_of(error)[:_SHOWN]]
    message = error.message.removesuffix(_SEE) if is_told else _INSIDE
    failure: dict[str, Any] = {"code": error.code, "message": message}
    return of_failure(failure | ({"problems": found} if found else {}), {})


def of_failure(failure: Mapping[str, Any], about: Mapping[str, Any]) -> CallToolResult:
    """For a model to read in its text, for a program in `_meta`: structured content has to fit the tool's schema, also of an error."""
    lines = [f"{failure['code']}: {failure['message']}"]
    lines += [f"{one['path'] or '/'}: {one['message']} ({one['code']})" for one in cast(Sequence[Any], failure.get("problems", ()))]
    if "run_id" in about:
        lines.append(f"run: {about['run_id']}")
    return CallToolResult(content=[_content("\n".join(lines))], is_error=True, _meta={**about, "error": dict(failure)})


def about_run(run: RunView) -> dict[str, Any]:
    usage, cost = run.usage.model_dump(mode="json"), run.cost.model_dump(mode="json")
    return {"run_id": run.id, "status": run.status.value, "workflow": run.workflow, "usage": usage, "cost": cost}


def _standing(run: RunView) -> dict[str, Any]:
    error = None if run.error is None else run.error.model_dump(mode="json")
    known = {
        "output": run.output if run.ended_at else None,
        "error": error,
        "waiting_for": [_asked(one) for one in run.waiting_for] or None,
    }
    return {**about_run(run), **{name: value for name, value in known.items() if value is not None}}


def _asked(waiting: WaitingView) -> dict[str, JsonValue]:
    said = waiting.model_dump(mode="json", exclude_none=True)
    return {name: value for name, value in said.items() if name not in ("about", "signals")}


def _what_next(run: RunView, *, settled: bool) -> str:
    kinds = {waiting.kind for waiting in run.waiting_for}
    if not settled:
        return f"It is not over: {GET_RUN} with this run_id waits for it and gives its output, {CANCEL_RUN} stops it."
    if "human" in kinds:
        return f"It waits for a person: put what `show` says before them, then call {ANSWER_RUN} with an answer that fits `schema`."
    return f"It waits for {' and '.join(sorted(kinds)) or 'somebody'}, which comes from outside; {GET_RUN} tells when it has gone on."


def _told(structured: dict[str, Any] | None, text: str, about: Mapping[str, Any]) -> CallToolResult:
    return CallToolResult(content=[_content(text)], structured_content=structured, _meta=dict(about))


def _content(text: str) -> TextContent:
    """Hosts show it in terminals; what is structured stays as it is."""
    return TextContent(text=plainly(text))


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)

"""Everything that goes wrong, as `application/problem+json`: the one place where an error becomes an answer."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from math import ceil

import structlog
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import compile_path

from application.errors import DomainError, Family, Problem, WeftError, begins_of, oldest_of, problems_of
from application.validation import Locate, placed
from application.workflow_views import ProblemView, problem_views

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
STATUS: Mapping[Family, HTTPStatus] = {
    Family.INVALID: HTTPStatus.UNPROCESSABLE_ENTITY,
    Family.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
    Family.FORBIDDEN: HTTPStatus.FORBIDDEN,
    Family.NOT_FOUND: HTTPStatus.NOT_FOUND,
    Family.CONFLICT: HTTPStatus.CONFLICT,
    Family.GONE: HTTPStatus.GONE,
    Family.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Family.RATE_LIMITED: HTTPStatus.TOO_MANY_REQUESTS,
    Family.UPSTREAM: HTTPStatus.BAD_GATEWAY,
    Family.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    Family.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
}
_ITS_OWN_FAULT = {
    Family.UPSTREAM: "something this service depends on answered with an error; try again",
    Family.UNAVAILABLE: "the service cannot do this just now; try again in a few seconds",
}
_UNEXPECTED = "something went wrong inside; the log has it under this request id"
_SHOWN_PROBLEMS = 1000


class ProblemDocument(BaseModel):
    """RFC 9457. `code` is stable and made for machines, `detail` says what to do. Pointers of `problems` lead into the body, or are
    `/query/NAME`, `/header/NAME` or `/path/NAME`."""

    model_config = ConfigDict(extra="forbid")

    type: str
    title: str
    status: int
    detail: str
    code: str
    instance: str
    request_id: str
    problems: list[ProblemView] | None = None
    begins: int | None = None
    """Of a position that is gone: the first one that can still be read."""
    oldest: int | None = None
    """Of a cursor that is gone: the oldest `after` to start again from."""


def answer(
    request: Request,
    status: int,
    code: str,
    detail: str,
    problems: Iterable[Problem] = (),
    headers: Mapping[str, str] | None = None,
    begins: int | None = None,
    oldest: int | None = None,
) -> Response:
    request.state.refusal = detail
    document = ProblemDocument(
        type=f"urn:weft:problem:{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        instance=request.url.path,
        request_id=request.state.request_id,
        problems=problem_views(list(problems)) or None,
        begins=begins,
        oldest=oldest,
    )
    return Response(document.model_dump_json(exclude_none=True), status, headers, MEDIA_TYPE)


async def of_weft_error(request: Request, error: WeftError) -> Response:
    """A broken rule is told as it is. Of a fault inside only the code is told: its words, which may name hosts, are logged."""
    status = STATUS[error.family]
    told = isinstance(error, DomainError) and error.family is not Family.INTERNAL
    if not told:
        log.error("request failed", code=error.code, path=request.url.path, exc_info=error)
    detail = error.message if told else _ITS_OWN_FAULT.get(error.family, _UNEXPECTED)
    return answer(request, status, error.code, detail, await _problems(request, error), _headers(error), begins_of(error), oldest_of(error))


async def _problems(request: Request, error: WeftError) -> Sequence[Problem]:
    """With the lines of the body they are about. In a thread, since finding lines may mean to read the body once more."""
    found = problems_of(error)[:_SHOWN_PROBLEMS]
    locate: Locate | None = getattr(request.state, "locate", None)
    return found if locate is None else await asyncio.to_thread(lambda: list(placed(found, locate)))


def _headers(error: WeftError) -> dict[str, str]:
    match error.family:
        case Family.UNAUTHENTICATED:
            return {"WWW-Authenticate": "Bearer"}
        case Family.UNAVAILABLE | Family.RATE_LIMITED:
            return {"Retry-After": str(max(1, ceil(error.retry_after or 1)))}
        case _:
            return {}


async def of_http_exception(request: Request, error: HTTPException) -> Response:
    """What the framework refuses by itself: unknown paths, methods, content types."""
    status = HTTPStatus(error.status_code)
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = _methods(request)
        return answer(request, status, "method_not_allowed", f"use {allowed} here", headers={"Allow": allowed})
    if status is HTTPStatus.NOT_FOUND:
        return answer(request, status, "not_found", "there is nothing under this path; /docs lists what there is")
    return answer(request, status, status.name.lower(), str(error.detail), headers=error.headers)


def _methods(request: Request) -> str:
    """Of everything under the path; the framework names only those of the first route that it tried."""
    paths = request.app.openapi()["paths"].items()
    found = {method.upper() for path, operations in paths if compile_path(path)[0].match(request.url.path) for method in operations}
    return ", ".join(sorted(found or {"GET"}))


async def of_parameters(request: Request, error: RequestValidationError) -> Response:
    """Path, query and header parameters that do not fit. Bodies are checked elsewhere."""
    problems = [Problem("/" + "/".join(map(str, found["loc"])), str(found["type"]), str(found["msg"])) for found in error.errors()]
    return answer(request, HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", "a parameter of the request does not fit: see `problems`", problems)


def of_the_unexpected(request: Request) -> Response:
    return answer(request, HTTPStatus.INTERNAL_SERVER_ERROR, "internal", _UNEXPECTED)

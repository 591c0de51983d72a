"""Everything that goes wrong, as `application/problem+json`: the one place where an error becomes an answer."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus

import structlog
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from application.errors import DomainError, Family, Problem, WeftError, problems_of

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
STATUS: Mapping[Family, HTTPStatus] = {
    Family.INVALID: HTTPStatus.UNPROCESSABLE_ENTITY,
    Family.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
    Family.FORBIDDEN: HTTPStatus.FORBIDDEN,
    Family.NOT_FOUND: HTTPStatus.NOT_FOUND,
    Family.CONFLICT: HTTPStatus.CONFLICT,
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


class ProblemItem(BaseModel):
    """One thing wrong: a JSON pointer into the body (or `/query/NAME`, `/header/NAME`, `/path/NAME`), and for YAML where in the text, from 1."""

    model_config = ConfigDict(extra="forbid")

    pointer: str
    code: str
    message: str
    line: int | None = None
    column: int | None = None


class ProblemDocument(BaseModel):
    """RFC 9457. `code` is stable and made for machines, `detail` says what to do."""

    model_config = ConfigDict(extra="forbid")

    type: str
    title: str
    status: int
    detail: str
    code: str
    instance: str
    request_id: str
    problems: list[ProblemItem] | None = None


def answer(
    request: Request, status: int, code: str, detail: str, problems: Iterable[Problem] = (), headers: Mapping[str, str] | None = None
) -> Response:
    document = ProblemDocument(
        type=f"urn:weft:problem:{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        instance=request.url.path,
        request_id=request.state.request_id,
        problems=[_item(request, problem) for problem in problems] or None,
    )
    return Response(document.model_dump_json(exclude_none=True), status, headers, MEDIA_TYPE)


def _item(request: Request, problem: Problem) -> ProblemItem:
    line, column = problem.line, problem.column
    locate = getattr(request.state, "locate", None)
    if line is None and locate is not None:
        line, column = locate(problem.pointer) or (None, None)
    return ProblemItem(pointer=problem.pointer, code=problem.code, message=problem.message, line=line, column=column)


async def of_weft_error(request: Request, error: Exception) -> Response:
    """A broken rule is told as it is. A fault of ours or of what we stand on is told by its code; its words, which may name hosts, go to the log."""
    assert isinstance(error, WeftError)
    status = STATUS[error.family]
    told = isinstance(error, DomainError) and error.family is not Family.INTERNAL
    if not told:
        log.error("request failed", code=error.code, path=request.url.path, exc_info=error)
    detail = error.message if told else _ITS_OWN_FAULT.get(error.family, _UNEXPECTED)
    return answer(request, status, error.code, detail, problems_of(error)[:_SHOWN_PROBLEMS], _headers(error))


def _headers(error: WeftError) -> dict[str, str]:
    match error.family:
        case Family.UNAUTHENTICATED:
            return {"WWW-Authenticate": "Bearer"}
        case Family.UNAVAILABLE | Family.RATE_LIMITED:
            return {"Retry-After": str(max(1, round(error.retry_after or 1)))}
        case _:
            return {}


async def of_http_exception(request: Request, error: Exception) -> Response:
    """What the framework refuses by itself: unknown paths, methods, content types."""
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = _methods(request)
        return answer(request, status, "method_not_allowed", f"use {allowed} here", headers={"Allow": allowed})
    if status is HTTPStatus.NOT_FOUND:
        return answer(request, status, "not_found", "there is nothing under this path; /docs lists what there is")
    return answer(request, status, status.name.lower(), str(error.detail), headers=error.headers)


def _methods(request: Request) -> str:
    """Of all the routes that share the path; the framework names only those of the first."""
    routes = [route for route in request.app.routes if isinstance(route, Route) or hasattr(route, "path_regex")]
    fitting = [route.methods or set() for route in routes if route.path_regex.match(request.url.path)]
    return ", ".join(sorted(set().union(*fitting)))


async def of_parameters(request: Request, error: Exception) -> Response:
    """Path, query and header parameters that do not fit. Bodies are checked elsewhere."""
    assert isinstance(error, RequestValidationError)
    problems = [Problem("/" + "/".join(map(str, found["loc"])), str(found["type"]), str(found["msg"])) for found in error.errors()]
    return answer(request, HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", "a parameter of the request does not fit: see `problems`", problems)


def of_the_unexpected(request: Request) -> Response:
    return answer(request, HTTPStatus.INTERNAL_SERVER_ERROR, "internal", _UNEXPECTED)

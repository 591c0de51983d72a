"""Who asks: a key or a token in `Authorization: Bearer` or in `X-API-Key`."""

from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPBearer
from starlette.requests import HTTPConnection

from application.access import Principal, counted_as
from application.desk import Desk

_bearer = HTTPBearer(
    auto_error=False, scheme_name="bearer", description="A key made with `weft keys create`, or a token of the identity provider."
)
_header = APIKeyHeader(name="X-API-Key", auto_error=False, scheme_name="header", description="The same key in a header of its own.")


# A coroutine: FastAPI would send a plain function through another thread, with every request.
async def _the_desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


TheDesk = Annotated[Desk, Depends(_the_desk)]


async def caller_of(desk: Desk, asking: HTTPConnection, offered: str | None = None) -> tuple[Principal, str]:
    """Who asks, and what the requests of their key are counted under; from here on the audit trail knows them. The one reader of keys, for
    requests and sockets. `offered`: a key that came in another way, for those who can set no headers."""
    scheme, _, credentials = asking.headers.get("authorization", "").partition(" ")
    bearer = credentials.strip() if scheme.lower() == "bearer" else ""
    key = bearer or asking.headers.get("x-api-key") or offered
    who = await desk.authenticate(key)
    counted = counted_as(key, who)
    await desk.pace(counted)
    asking.state.who = who
    return who, counted


async def _caller(
    request: Request,
    desk: TheDesk,
    _by_bearer: Annotated[object, Security(_bearer)],
    _by_header: Annotated[object, Security(_header)],
) -> Principal:
    """The schemes stand here for the OpenAPI document."""
    who, _ = await caller_of(desk, request)
    return who


Caller = Annotated[Principal, Depends(_caller)]

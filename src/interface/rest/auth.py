"""Who asks: a key or a token in `Authorization: Bearer` or in `X-API-Key`."""

from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

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


async def _caller(
    request: Request,
    desk: TheDesk,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    header: Annotated[str | None, Security(_header)],
) -> Principal:
    key = bearer.credentials if bearer else header
    who = await desk.authenticate(key)
    await desk.pace(counted_as(key, who))
    request.state.who = who
    return who


Caller = Annotated[Principal, Depends(_caller)]

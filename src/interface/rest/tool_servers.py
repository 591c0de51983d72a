"""Servers of the Model Context Protocol whose tools are called here."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from application.tool_servers import ApproveOrder, ForgetOrder, ToolNamesView, ToolServersView
from interface.rest.auth import Caller, TheDesk
from interface.rest.bodies import body_of, model_ref, takes
from interface.rest.openapi import fails

router = APIRouter(prefix="/v1/tool-servers", tags=["tools"])
BODIES: tuple[type[BaseModel], ...] = (ApproveOrder, ForgetOrder)


@router.get("", responses=fails())
async def list_tool_servers(who: Caller, desk: TheDesk) -> ToolServersView:
    """How the connections of this process are, and which descriptions wait for approval."""
    return await desk.tool_servers.list(who)


@router.post("/{server}/approve", responses=fails(404, 409, 413, 415), openapi_extra=takes(model_ref(ApproveOrder)))
async def approve_tools(
    who: Caller, desk: TheDesk, server: str, order: Annotated[ApproveOrder, Depends(body_of(ApproveOrder))]
) -> ToolNamesView:
    """From now on these tools may be called as they are described. 409 `tool_description_changed` when one is not what was looked at."""
    return await desk.tool_servers.approve(who, server, order)


@router.post(
    "/{server}/forget",
    status_code=HTTPStatus.NO_CONTENT,
    responses=fails(404, 413, 415),
    openapi_extra=takes(model_ref(ForgetOrder)),
)
async def forget_tools(who: Caller, desk: TheDesk, server: str, order: Annotated[ForgetOrder, Depends(body_of(ForgetOrder))]) -> None:
    """These tools may not be called until they are approved again."""
    await desk.tool_servers.forget(who, server, order)

"""Tools: look at them, call one."""

from typing import Annotated

from fastapi import APIRouter, Depends

from application.tools import ToolCallOrder
from application.views import PageView, ToolResultView, ToolView
from interface.rest.auth import Caller, TheDesk
from interface.rest.bodies import body_of, model_ref, takes
from interface.rest.openapi import fails
from interface.rest.parameters import PageOf

router = APIRouter(prefix="/v1/tools", tags=["tools"])


@router.get("", responses=fails())
async def list_tools(who: Caller, desk: TheDesk, order: PageOf) -> PageView[ToolView]:
    """By name."""
    return await desk.list_tools(who, order)


@router.get("/{name}", responses=fails(404))
async def get_tool(who: Caller, desk: TheDesk, name: str) -> ToolView:
    return await desk.get_tool(who, name)


@router.post("/{name}/call", responses=fails(404, 413, 415), openapi_extra=takes(model_ref(ToolCallOrder)))
async def call_tool(
    who: Caller, desk: TheDesk, name: str, order: Annotated[ToolCallOrder, Depends(body_of(ToolCallOrder))]
) -> ToolResultView:
    """A tool that refuses or fails answers too, with `success: false` and its error."""
    return await desk.call_tool(who, name, order)

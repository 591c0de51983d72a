"""Tools: look at them, call one, register those that are data."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, JsonValue

from application.tool_views import ToolBatchView, ToolCheckView, ToolView
from application.tools import ToolBatchOrder, ToolCallOrder, ToolFilters
from application.views import PageView, ToolResultView
from interface.rest.auth import Caller, TheDesk
from interface.rest.bodies import body_of, document_of, model_ref, takes
from interface.rest.openapi import fails
from interface.rest.parameters import IdempotencyKey
from interface.rest.placed import placed

router = APIRouter(prefix="/v1/tools", tags=["tools"])
BODIES: tuple[type[BaseModel], ...] = (ToolCallOrder, ToolBatchOrder)
_Document = Annotated[JsonValue, Depends(document_of)]
_TOOL = takes({"type": "object", "description": "A tool that is data: docs/tools.md says what stands in it."})


@router.get("", responses=fails())
async def list_tools(who: Caller, desk: TheDesk, wanted: Annotated[ToolFilters, Query()]) -> PageView[ToolView]:
    """By name."""
    return await desk.tools.list(who, wanted)


@router.post("", status_code=HTTPStatus.CREATED, responses={200: {"model": ToolView}, **fails(409, 413, 415)}, openapi_extra=_TOOL)
async def register_tool(who: Caller, desk: TheDesk, document: _Document, response: Response) -> ToolView:
    """Keep a tool that is data. 201 for a new name; 200 when it takes the place of the one before."""
    found = await desk.tools.register(who, document)
    placed(response, f"/v1/tools/{found.tool.name}", fresh=found.is_new)
    return found.tool


@router.post("/validate", responses=fails(413, 415), openapi_extra=takes({"description": "What may be a tool."}))
async def validate_tool(who: Caller, desk: TheDesk, document: _Document) -> ToolCheckView:
    """Every problem at once, each with a pointer. Nothing is kept or called."""
    return desk.tools.check(who, document)


@router.post("/batch", responses=fails(409, 413, 415), openapi_extra=takes(model_ref(ToolBatchOrder)))
async def register_tools(who: Caller, desk: TheDesk, order: Annotated[ToolBatchOrder, Depends(body_of(ToolBatchOrder))]) -> ToolBatchView:
    """Keep many tools at once. What is wrong with one is told, and does not stop the others."""
    return await desk.tools.register_all(who, order)


@router.get("/{name}", responses=fails(404))
async def get_tool(who: Caller, desk: TheDesk, name: str) -> ToolView:
    return await desk.tools.get(who, name)


@router.get("/{name}/document", responses=fails(404))
async def get_tool_document(who: Caller, desk: TheDesk, name: str) -> dict[str, JsonValue]:
    """As it was registered; secrets stand in it by name only."""
    return await desk.tools.document(who, name)


@router.delete("/{name}", status_code=HTTPStatus.NO_CONTENT, responses=fails(404))
async def remove_tool(who: Caller, desk: TheDesk, name: str) -> None:
    """What was registered; workflows that name it fail there from now on."""
    await desk.tools.remove(who, name)


@router.post("/{name}/call", responses=fails(404, 409, 413, 415), openapi_extra=takes(model_ref(ToolCallOrder)))
async def call_tool(
    who: Caller,
    desk: TheDesk,
    name: str,
    order: Annotated[ToolCallOrder, Depends(body_of(ToolCallOrder))],
    key: IdempotencyKey = None,
) -> ToolResultView:
    """A tool that refuses or fails answers too, with `success: false` and its error. The key is handed to the tool. Under one
    key of a caller a tool of effects `once` is called once: sent again it gets the same answer, or `unknown_outcome`."""
    return await desk.tools.call(who, name, order, key)

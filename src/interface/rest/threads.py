"""Threads: open one, look at it."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from application.threads import ThreadListOrder, ThreadOrder
from application.views import PageView, ThreadView
from interface.rest.auth import Caller, TheDesk
from interface.rest.bodies import body_of, model_ref, takes
from interface.rest.openapi import fails
from interface.rest.parameters import IdempotencyKey

router = APIRouter(prefix="/v1/threads", tags=["threads"])


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    responses=fails(404, 409, 413, 415),
    openapi_extra=takes(model_ref(ThreadOrder)),
)
async def open_thread(
    who: Caller, desk: TheDesk, order: Annotated[ThreadOrder, Depends(body_of(ThreadOrder))], response: Response, key: IdempotencyKey = None
) -> ThreadView:
    view = await desk.open_thread(who, order, key)
    response.headers["Location"] = f"/v1/threads/{view.id}"
    return view


@router.get("", responses=fails())
async def list_threads(who: Caller, desk: TheDesk, order: Annotated[ThreadListOrder, Query()]) -> PageView[ThreadView]:
    """Newest first; of one parent, of one session, of one type. A `state` is asked of one parent's or one session's threads."""
    return await desk.list_threads(who, order)


@router.get("/{thread_id}", responses=fails(404))
async def get_thread(who: Caller, desk: TheDesk, thread_id: str) -> ThreadView:
    return await desk.get_thread(who, thread_id)

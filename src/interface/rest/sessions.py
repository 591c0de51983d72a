"""Sessions: open one, change it, move it to another state, look at its threads."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel

from application.session_orders import InteractionOrder, SessionListOrder, SessionOrder, SessionPatch
from application.session_views import SessionView
from application.threads import ThreadOrder
from application.views import PageView, ThreadView
from interface.rest.auth import Caller, TheDesk
from interface.rest.bodies import body_of, model_ref, takes
from interface.rest.openapi import fails
from interface.rest.parameters import IdempotencyKey, PageOf

router = APIRouter(prefix="/v1/sessions", tags=["sessions"])
BODIES: tuple[type[BaseModel], ...] = (SessionOrder, SessionPatch, InteractionOrder)


@router.post("", status_code=HTTPStatus.CREATED, responses=fails(409, 413, 415), openapi_extra=takes(model_ref(SessionOrder)))
async def open_session(
    who: Caller,
    desk: TheDesk,
    order: Annotated[SessionOrder, Depends(body_of(SessionOrder))],
    response: Response,
    key: IdempotencyKey = None,
) -> SessionView:
    """With its main thread. Runs on its threads may call the tools that its `permissions` name."""
    view = await desk.sessions.open(who, order, key)
    response.headers["Location"] = f"/v1/sessions/{view.id}"
    return view


@router.get("", responses=fails())
async def list_sessions(who: Caller, desk: TheDesk, order: Annotated[SessionListOrder, Query()]) -> PageView[SessionView]:
    """Newest first."""
    return await desk.sessions.list(who, order)


@router.get("/{session_id}", responses=fails(404))
async def get_session(who: Caller, desk: TheDesk, session_id: str) -> SessionView:
    return await desk.sessions.get(who, session_id)


@router.patch("/{session_id}", responses=fails(404, 409, 413, 415), openapi_extra=takes(model_ref(SessionPatch)))
async def change_session(
    who: Caller, desk: TheDesk, session_id: str, patch: Annotated[SessionPatch, Depends(body_of(SessionPatch))]
) -> SessionView:
    """Change what is said; the rest stays. Runs under way keep the permissions that they were started with."""
    return await desk.sessions.change(who, session_id, patch)


@router.post("/{session_id}/pause", responses=fails(404, 409))
async def pause_session(who: Caller, desk: TheDesk, session_id: str) -> SessionView:
    """No run starts in it until it is resumed; those under way go on. Asking again changes nothing."""
    return await desk.sessions.pause(who, session_id)


@router.post("/{session_id}/resume", responses=fails(404, 409))
async def resume_session(who: Caller, desk: TheDesk, session_id: str) -> SessionView:
    """Asking again changes nothing."""
    return await desk.sessions.resume(who, session_id)


@router.post("/{session_id}/complete", responses=fails(404, 409))
async def complete_session(who: Caller, desk: TheDesk, session_id: str) -> SessionView:
    """For good: no run starts in it any more; those under way go on to their end. Asking again changes nothing."""
    return await desk.sessions.complete(who, session_id)


@router.post("/{session_id}/abort", responses=fails(404, 409))
async def abort_session(who: Caller, desk: TheDesk, session_id: str) -> SessionView:
    """For good: no run starts in it any more, and those that have not ended are cancelled. May be asked again."""
    return await desk.sessions.abort(who, session_id)


@router.get("/{session_id}/threads", responses=fails(404))
async def list_session_threads(who: Caller, desk: TheDesk, session_id: str, order: PageOf) -> PageView[ThreadView]:
    """Newest first; the last one is its main thread."""
    return await desk.sessions.list_threads(who, session_id, order)


@router.post(
    "/{session_id}/threads",
    status_code=HTTPStatus.CREATED,
    responses=fails(404, 409, 413, 415),
    openapi_extra=takes(model_ref(ThreadOrder)),
)
async def open_session_thread(
    who: Caller,
    desk: TheDesk,
    session_id: str,
    order: Annotated[ThreadOrder, Depends(body_of(ThreadOrder))],
    response: Response,
    key: IdempotencyKey = None,
) -> ThreadView:
    """Another line of state in the session, beside its main thread."""
    view = await desk.sessions.open_thread(who, session_id, order, key)
    response.headers["Location"] = f"/v1/threads/{view.id}"
    return view

"""Interactions: say something in a session, and read everything that came of it."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from application.batches import Slow
from application.session_orders import InteractionListOrder, InteractionOrder
from application.session_views import InteractionResultView, InteractionView
from application.views import PageView
from interface.rest import stream
from interface.rest.auth import Caller, TheDesk
from interface.rest.bodies import body_of, model_ref, takes
from interface.rest.openapi import OpenApi, Responses, fails
from interface.rest.parameters import IdempotencyKey, Wait
from interface.rest.stream import EventStream
from interface.rest.streaming import streamed

router = APIRouter(prefix="/v1/sessions", tags=["sessions"])
_EVENTS: OpenApi = {stream.MEDIA_TYPE: {"schema": {"type": "string"}}}
_ANSWERS: Responses = {
    200: {
        "model": InteractionResultView,
        "description": "The run has ended, needs somebody, or was there already; as `text/event-stream` its events and chunks.",
        "content": _EVENTS,
    },
}


@router.post(
    "/{session_id}/interactions",
    status_code=HTTPStatus.ACCEPTED,
    response_model=InteractionResultView,
    responses={**_ANSWERS, **fails(404, 409, 413, 415)},
    openapi_extra=takes(model_ref(InteractionOrder)),
)
async def process_interaction(
    who: Caller,
    desk: TheDesk,
    request: Request,
    session_id: str,
    order: Annotated[InteractionOrder, Depends(body_of(InteractionOrder))],
    response: Response,
    key: IdempotencyKey = None,
    wait: Wait = 0,
) -> InteractionResultView | EventStream:
    """Start a run of the session's workflow on its main thread. A text is the input's member `message`, an object is the input.
    With `Accept: text/event-stream` the answer is the run's events and chunks, as of `GET /v1/runs/{id}/events`."""
    begun = await desk.process_interaction(who, session_id, order, key)
    response.headers["Location"] = f"/v1/runs/{begun.run.id}"
    if _wants_events(request):
        events = streamed(request, await desk.follow_run.batches(who, begun.run.id, begun.after, Slow.DROP_OLDEST))
        events.headers["Location"] = response.headers["Location"]
        return events
    if not begun.fresh:
        response.status_code = HTTPStatus.OK
    if not wait:
        return begun.result(begun.run)
    run, settled = await desk.wait_for_run(who, begun.run.id, wait)
    if settled:
        response.status_code = HTTPStatus.OK
    return begun.result(run)


@router.get("/{session_id}/interactions", responses=fails(404, 409))
async def list_interactions(
    who: Caller, desk: TheDesk, session_id: str, order: Annotated[InteractionListOrder, Query()]
) -> PageView[InteractionView]:
    """Over all threads of the session, oldest first. A page may be short and still name the next one."""
    return await desk.list_interactions(who, session_id, order)


def _wants_events(request: Request) -> bool:
    """Named, and not behind JSON: `*/*` means JSON."""
    kinds = [kind.partition(";")[0].strip().lower() for kind in request.headers.get("accept", "").split(",")]
    return stream.MEDIA_TYPE in kinds and "application/json" not in kinds[: kinds.index(stream.MEDIA_TYPE)]

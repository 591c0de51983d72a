"""The events of a thread, run after run."""

from http import HTTPStatus

from fastapi import APIRouter, Request, Response

from application.batches import Slow
from interface.rest.auth import Caller, TheDesk
from interface.rest.openapi import fails
from interface.rest.stream import EventStream
from interface.rest.streaming import EVENTS, After, Form, IfSlow, LastEventId, Limit, as_json, streamed

router = APIRouter(prefix="/v1/threads/{thread_id}", tags=["threads"])


@router.get("/events", status_code=HTTPStatus.OK, response_class=EventStream, responses={**EVENTS, **fails(404, 410)})
async def follow_thread(
    who: Caller,
    desk: TheDesk,
    request: Request,
    thread_id: str,
    after: After = 0,
    last_event_id: LastEventId = None,
    chunks: bool = False,
    slow: IfSlow = Slow.DROP_OLDEST,
    form: Form = "sse",
    limit: Limit = 100,
) -> Response:
    """Server-sent events of every row of the thread, whichever run wrote it; the stream stays open between runs. Of a branch, the rows
    it shares are its parent's and say so. 410 when retention removed what follows the cursor: `oldest` is where to start again.
    The same path is a WebSocket."""
    start = after if last_event_id is None else last_event_id
    if form == "json":
        return as_json(await desk.read_rows.of_thread(who, thread_id, start, limit))
    return streamed(request, await desk.follow_thread.batches(who, thread_id, start, slow if chunks else None), slow)

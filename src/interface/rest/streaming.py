"""What the routes of events share: their parameters, and their two forms."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Literal, TypeAlias, cast

from fastapi import Header, Query, Request, Response

from application.batches import Batch, Slow
from application.run_views import EventsPageView
from interface.rest.bodies import model_ref
from interface.rest.cuts import Patience
from interface.rest.openapi import Responses
from interface.rest.stream import EventStream

_MOST = 2**63 - 1
_EVENT = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "description": "The journal position of a row; what passes by has none."},
        "event": {"type": "string"},
        "data": {"type": "string", "contentMediaType": "application/json"},
        "retry": {"type": "integer"},
    },
}
EVENTS: Responses = {
    200: {
        "description": "Server-sent events; with `format=json` one page of them.",
        "content": {"text/event-stream": {"schema": _EVENT}, "application/json": {"schema": model_ref(EventsPageView)}},
    }
}
After: TypeAlias = Annotated[int, Query(ge=0, le=_MOST, description="Only rows after this position.")]
LastEventId: TypeAlias = Annotated[int | None, Header(alias="Last-Event-ID", ge=0, le=_MOST, description="As `after`, and stronger.")]
Form: TypeAlias = Annotated[Literal["sse", "json"], Query(alias="format", description="`json`: a page of what is there now.")]
Limit: TypeAlias = Annotated[int, Query(ge=1, le=1000, description="The most rows of a page; a stream has no limit.")]

IfSlow: TypeAlias = Annotated[
    Slow,
    Query(
        description="What becomes of chunks when the reader does not keep up: the oldest go, or the newest wait a second and then go, or "
        "the stream ends with `reader_too_slow`. Rows are never lost."
    ),
]


def streamed(request: Request, batches: AsyncIterator[Batch], slow: Slow = Slow.DROP_OLDEST) -> EventStream:
    settings, stopping = request.app.state.settings, cast(asyncio.Event, request.app.state.stopping)
    return EventStream(batches, settings.beat_seconds, stopping, Patience.of(slow, settings.patience_seconds))


def as_json(page: bytes) -> Response:
    return Response(page, media_type="application/json", headers={"Cache-Control": "no-store"})

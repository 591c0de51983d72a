"""Runs: start, look, follow, cancel."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from application.batches import Slow
from application.migrate_orders import MigrateOrder, MigrationView
from application.run_orders import RunOrder
from application.run_views import RunListItem, RunView
from application.runs import CancelOrder, RunListOrder
from application.views import PageView
from interface.rest.auth import Caller, TheDesk
from interface.rest.bodies import body_of, model_ref, takes
from interface.rest.openapi import Responses, fails
from interface.rest.parameters import IdempotencyKey, Wait
from interface.rest.stream import EventStream
from interface.rest.streaming import EVENTS, After, Form, IfSlow, LastEventId, Limit, as_json, streamed

router = APIRouter(prefix="/v1/runs", tags=["runs"])

_SETTLED: Responses = {200: {"model": RunView, "description": "The run has ended, needs somebody, or was there already."}}


@router.post(
    "",
    status_code=HTTPStatus.ACCEPTED,
    responses={**_SETTLED, **fails(404, 409, 413, 415)},
    openapi_extra=takes(model_ref(RunOrder)),
)
async def start_run(
    who: Caller,
    desk: TheDesk,
    order: Annotated[RunOrder, Depends(body_of(RunOrder))],
    response: Response,
    key: IdempotencyKey = None,
    wait: Wait = 0,
) -> RunView:
    """Start a run of a published workflow or of a whole document. 200 when `wait` saw it settle, or when the workflow's `flow` says that
    an unfinished run is the answer; else 202."""
    started = await desk.start_run(who, order, key)
    response.headers["Location"] = f"/v1/runs/{started.view.id}"
    if started.joined:
        response.status_code = HTTPStatus.OK
    if not wait:
        return started.view
    view, settled = await desk.wait_for_run(who, started.view.id, wait)
    if settled:
        response.status_code = HTTPStatus.OK
    return view


@router.get("", responses=fails())
async def list_runs(who: Caller, desk: TheDesk, order: Annotated[RunListOrder, Query()]) -> PageView[RunListItem]:
    """Newest first."""
    return await desk.list_runs(who, order)


@router.post("/migrate", responses=fails(404, 413, 415), openapi_extra=takes(model_ref(MigrateOrder)))
async def migrate_runs(
    who: Caller, desk: TheDesk, order: Annotated[MigrateOrder, Depends(body_of(MigrateOrder))]
) -> PageView[MigrationView]:
    """Move a page of the parked runs of one version to another one, each as a whole or not at all; with `dry_run` only say which fit."""
    return await desk.migrate_runs(who, order)


@router.get("/{run_id}", responses=fails(404))
async def get_run(who: Caller, desk: TheDesk, run_id: str) -> RunView:
    return await desk.get_run(who, run_id)


@router.get("/{run_id}/events", status_code=HTTPStatus.OK, response_class=EventStream, responses={**EVENTS, **fails(404, 410)})
async def follow_run(
    who: Caller,
    desk: TheDesk,
    request: Request,
    run_id: str,
    after: After = 0,
    last_event_id: LastEventId = None,
    chunks: bool = False,
    slow: IfSlow = Slow.DROP_OLDEST,
    form: Form = "sse",
    limit: Limit = 100,
) -> Response:
    """Server-sent events: one per journal row, its position as `id`; `event: end` when the run has ended. `budget_alert` says that a budget
    which counts the run passed a mark: `budget` (its id), `name`, `subject`, `period`, `percent`, `spent`, `limit`, `unit`. With
    `chunks=1` also `started` and `chunk` without ids: what passes by and is not kept. With `format=json` a page of the rows that are
    there now. The same path is a WebSocket."""
    start = after if last_event_id is None else last_event_id
    if form == "json":
        return as_json(await desk.read_rows.of_run(who, run_id, start, limit))
    return streamed(request, await desk.follow_run.batches(who, run_id, start, slow if chunks else None), slow)


@router.post(
    "/{run_id}/cancel",
    status_code=HTTPStatus.ACCEPTED,
    responses={200: {"model": RunView, "description": "It had ended before."}, **fails(404, 413, 415)},
    openapi_extra=takes(model_ref(CancelOrder), required=False),
)
async def cancel_run(
    who: Caller, desk: TheDesk, run_id: str, order: Annotated[CancelOrder, Depends(body_of(CancelOrder, optional=True))], response: Response
) -> RunView:
    """Ask for a run to be cancelled; asking again changes nothing."""
    view = await desk.cancel_run(who, run_id, order)
    if view.ended_at is not None:
        response.status_code = HTTPStatus.OK
    return view

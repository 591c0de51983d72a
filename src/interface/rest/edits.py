"""Changing what a thread holds: edits, restores, snapshots."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel

from application.edit_orders import EditOrder, EditView, RestoreOrder, RestoreSnapshotOrder
from application.snapshot_orders import SnapshotBranchOrder, SnapshotListOrder, SnapshotOrder
from application.snapshots import SnapshotListItem, SnapshotView
from application.views import PageView, ThreadView
from interface.rest.auth import Caller, TheDesk
from interface.rest.bodies import body_of, model_ref, takes
from interface.rest.openapi import fails
from interface.rest.parameters import IdempotencyKey

router = APIRouter(prefix="/v1/threads/{thread_id}", tags=["threads"])
BODIES: tuple[type[BaseModel], ...] = (EditOrder, RestoreOrder, RestoreSnapshotOrder, SnapshotOrder, SnapshotBranchOrder)


@router.patch("/state", responses=fails(404, 409, 410, 413, 415), openapi_extra=takes(model_ref(EditOrder)))
async def edit_state(
    who: Caller, desk: TheDesk, thread_id: str, order: Annotated[EditOrder, Depends(body_of(EditOrder))], key: IdempotencyKey = None
) -> EditView:
    """Change what a thread holds, all of it or nothing. 409 while a worker has the thread, and when it no longer ends at
    `expected_position`; 422 with pointers for what the workflow's channels do not take."""
    return await desk.edit_thread(who, thread_id, order, key)


@router.post("/restore", responses=fails(404, 409, 410, 413, 415), openapi_extra=takes(model_ref(RestoreOrder)))
async def restore_state(
    who: Caller, desk: TheDesk, thread_id: str, order: Annotated[RestoreOrder, Depends(body_of(RestoreOrder))], key: IdempotencyKey = None
) -> EditView:
    """Let a thread hold again what it held at a position. Restoring to the position before this row undoes it."""
    return await desk.restore_thread(who, thread_id, order, key)


@router.post(
    "/snapshots", status_code=HTTPStatus.CREATED, responses=fails(404, 409, 410, 413, 415), openapi_extra=takes(model_ref(SnapshotOrder))
)
async def take_snapshot(
    who: Caller,
    desk: TheDesk,
    thread_id: str,
    order: Annotated[SnapshotOrder, Depends(body_of(SnapshotOrder))],
    response: Response,
    key: IdempotencyKey = None,
) -> SnapshotView:
    """Keep what a thread holds now, or held `at` a position, under a name; also while a run is under way."""
    view = await desk.snapshots.take(who, thread_id, order, key)
    response.headers["Location"] = f"/v1/threads/{view.thread_id}/snapshots/{view.id}"
    return view


@router.get("/snapshots", responses=fails(404))
async def list_snapshots(
    who: Caller, desk: TheDesk, thread_id: str, order: Annotated[SnapshotListOrder, Query()]
) -> PageView[SnapshotListItem]:
    """Newest first, without what they hold. Those that have expired are left out."""
    return await desk.snapshots.list(who, thread_id, order)


@router.get("/snapshots/{snapshot_id}", responses=fails(404, 410))
async def get_snapshot(who: Caller, desk: TheDesk, thread_id: str, snapshot_id: str) -> SnapshotView:
    return await desk.snapshots.get(who, thread_id, snapshot_id)


@router.delete("/snapshots/{snapshot_id}", status_code=HTTPStatus.NO_CONTENT, responses=fails(404))
async def remove_snapshot(who: Caller, desk: TheDesk, thread_id: str, snapshot_id: str) -> None:
    await desk.snapshots.remove(who, thread_id, snapshot_id)


@router.post(
    "/snapshots/{snapshot_id}/restore",
    responses=fails(404, 409, 410, 413, 415),
    openapi_extra=takes(model_ref(RestoreSnapshotOrder), required=False),
)
async def restore_snapshot(
    who: Caller,
    desk: TheDesk,
    thread_id: str,
    snapshot_id: str,
    order: Annotated[RestoreSnapshotOrder, Depends(body_of(RestoreSnapshotOrder, optional=True))],
    key: IdempotencyKey = None,
) -> EditView:
    """Let the thread hold again what the snapshot holds, also when the rows up to there are gone. 410 when it has expired."""
    return await desk.snapshots.restore(who, thread_id, snapshot_id, order, key)


@router.post(
    "/snapshots/{snapshot_id}/branch",
    status_code=HTTPStatus.CREATED,
    responses=fails(404, 409, 410, 413, 415),
    openapi_extra=takes(model_ref(SnapshotBranchOrder), required=False),
)
async def branch_snapshot(
    who: Caller,
    desk: TheDesk,
    thread_id: str,
    snapshot_id: str,
    order: Annotated[SnapshotBranchOrder, Depends(body_of(SnapshotBranchOrder, optional=True))],
    response: Response,
    key: IdempotencyKey = None,
) -> ThreadView:
    """Bring a snapshot back as a new branch of its thread, which stays as it is."""
    view = await desk.branch_snapshot(who, thread_id, snapshot_id, order, key)
    response.headers["Location"] = f"/v1/threads/{view.id}"
    return view

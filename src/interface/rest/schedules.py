"""Schedules: runs that start by themselves."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel

from application.schedule_orders import ScheduleOrder, SchedulePatch, TimesOrder
from application.schedule_views import FiringView, ScheduleView
from application.views import PageView
from interface.rest.auth import Caller, TheDesk
from interface.rest.bodies import body_of, model_ref, takes
from interface.rest.openapi import fails
from interface.rest.parameters import IdempotencyKey, PageOf

router = APIRouter(prefix="/v1/schedules", tags=["schedules"])
BODIES: tuple[type[BaseModel], ...] = (ScheduleOrder, SchedulePatch)


@router.post("", status_code=HTTPStatus.CREATED, responses=fails(404, 409, 413, 415), openapi_extra=takes(model_ref(ScheduleOrder)))
async def create_schedule(
    who: Caller,
    desk: TheDesk,
    order: Annotated[ScheduleOrder, Depends(body_of(ScheduleOrder))],
    response: Response,
    key: IdempotencyKey = None,
) -> ScheduleView:
    """Start runs of a published workflow by cron, or every so many seconds; each due time starts one run, whatever crashes."""
    view = await desk.schedules.create(who, order, key)
    response.headers["Location"] = f"/v1/schedules/{view.id}"
    return view


@router.get("", responses=fails())
async def list_schedules(who: Caller, desk: TheDesk, order: PageOf) -> PageView[ScheduleView]:
    """Newest first, each with its next due time."""
    return await desk.schedules.list(who, order)


@router.get("/{schedule_id}", responses=fails(404))
async def get_schedule(who: Caller, desk: TheDesk, schedule_id: str, order: Annotated[TimesOrder, Query()]) -> ScheduleView:
    """With so many of its `next` due times."""
    return await desk.schedules.get(who, schedule_id, order.next)


@router.patch("/{schedule_id}", responses=fails(404, 413, 415), openapi_extra=takes(model_ref(SchedulePatch)))
async def change_schedule(
    who: Caller, desk: TheDesk, schedule_id: str, patch: Annotated[SchedulePatch, Depends(body_of(SchedulePatch))]
) -> ScheduleView:
    """Change what is said; the rest stays. `{"paused": true}` pauses, `{"paused": false}` goes on."""
    return await desk.schedules.change(who, schedule_id, patch)


@router.delete("/{schedule_id}", status_code=HTTPStatus.NO_CONTENT, responses=fails(404))
async def remove_schedule(who: Caller, desk: TheDesk, schedule_id: str) -> None:
    """It starts nothing more, and its firings are forgotten; runs it started go on."""
    await desk.schedules.remove(who, schedule_id)


@router.post("/{schedule_id}/trigger", status_code=HTTPStatus.ACCEPTED, responses=fails(404, 409))
async def trigger_schedule(who: Caller, desk: TheDesk, schedule_id: str, key: IdempotencyKey = None) -> FiringView:
    """Start a run of it now, also while it is paused or another one goes on."""
    return await desk.schedules.trigger(who, schedule_id, key)


@router.get("/{schedule_id}/firings", responses=fails(404))
async def list_firings(who: Caller, desk: TheDesk, schedule_id: str, order: PageOf) -> PageView[FiringView]:
    """What came of each due time, newest first; the last 1,000 are kept."""
    return await desk.schedules.firings(who, schedule_id, order)

"""Runs under way: pause, resume, signal, answer."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response
from pydantic import BaseModel

from application.answering import AnswerOrder
from application.controlling import SIGNAL_NAME, PauseOrder, SignalOrder
from application.resolving import ResolveOrder
from application.run_views import RunView
from interface.rest.auth import Caller, TheDesk
from interface.rest.bodies import body_of, model_ref, takes
from interface.rest.openapi import Responses, fails
from interface.rest.parameters import IdempotencyKey

router = APIRouter(prefix="/v1/runs", tags=["runs"])
BODIES: tuple[type[BaseModel], ...] = (AnswerOrder, PauseOrder, ResolveOrder, SignalOrder)

_AS_IT_WAS: Responses = {200: {"model": RunView, "description": "It was so before, or the run has ended."}}
_SignalName = Annotated[str, Path(pattern=SIGNAL_NAME, description="As a `wait` node names it.")]


@router.post(
    "/{run_id}/pause",
    status_code=HTTPStatus.ACCEPTED,
    responses={**_AS_IT_WAS, **fails(404, 413, 415)},
    openapi_extra=takes(model_ref(PauseOrder), required=False),
)
async def pause_run(
    who: Caller, desk: TheDesk, run_id: str, order: Annotated[PauseOrder, Depends(body_of(PauseOrder, optional=True))], response: Response
) -> RunView:
    """Ask for a run to be paused: what is in flight finishes, nothing new starts. Asking again changes nothing."""
    view = await desk.control.pause(who, run_id, order)
    if view.ended_at is not None or view.paused:
        response.status_code = HTTPStatus.OK
    return view


@router.post("/{run_id}/resume", status_code=HTTPStatus.ACCEPTED, responses={**_AS_IT_WAS, **fails(404)})
async def resume_run(who: Caller, desk: TheDesk, run_id: str, response: Response) -> RunView:
    """Let a paused run go on. Asking again changes nothing."""
    view = await desk.control.resume(who, run_id)
    if view.ended_at is not None or not view.paused:
        response.status_code = HTTPStatus.OK
    return view


@router.post(
    "/{run_id}/signals/{name}",
    status_code=HTTPStatus.ACCEPTED,
    responses=fails(404, 409, 413, 415),
    openapi_extra=takes(model_ref(SignalOrder), required=False),
)
async def signal_run(
    who: Caller,
    desk: TheDesk,
    run_id: str,
    name: _SignalName,
    order: Annotated[SignalOrder, Depends(body_of(SignalOrder, optional=True))],
    key: IdempotencyKey = None,
) -> RunView:
    """Send a run a signal: it wakes the `wait` node that has waited longest for it, or is kept for the next one."""
    return await desk.control.signal(who, run_id, name, order, key)


@router.post(
    "/{run_id}/answers",
    status_code=HTTPStatus.OK,
    responses=fails(404, 409, 413, 415),
    openapi_extra=takes(model_ref(AnswerOrder)),
)
async def answer_run(
    who: Caller,
    desk: TheDesk,
    run_id: str,
    order: Annotated[AnswerOrder, Depends(body_of(AnswerOrder))],
    key: IdempotencyKey = None,
) -> RunView:
    """Answer what a run asks a person. The first answer counts; one that does not fit the schema leaves the question open."""
    return await desk.answer_run(who, run_id, order, key)


@router.post(
    "/{run_id}/resolve",
    status_code=HTTPStatus.ACCEPTED,
    responses=fails(404, 409, 413, 415),
    openapi_extra=takes(model_ref(ResolveOrder)),
)
async def resolve_run(who: Caller, desk: TheDesk, run_id: str, order: Annotated[ResolveOrder, Depends(body_of(ResolveOrder))]) -> RunView:
    """Decide what became of a call that may happen only once and whose outcome is unknown. The first decision counts."""
    return await desk.resolve_run(who, run_id, order)

"""What comes from a thread: branches, runs that are run again, and the threads below it."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel

from application.branch_orders import AgainOrder, AgainView, BranchOrder, BranchView
from application.children import ChildrenView
from application.run_views import RunListItem
from application.threads import TreeView
from application.views import PageView, ThreadView
from interface.rest.auth import Caller, TheDesk
from interface.rest.bodies import body_of, model_ref, takes
from interface.rest.openapi import fails
from interface.rest.parameters import IdempotencyKey, PageOf, Wait

router = APIRouter(prefix="/v1/threads/{thread_id}", tags=["threads"])
BODIES: tuple[type[BaseModel], ...] = (BranchOrder, AgainOrder)


@router.post(
    "/branches",
    status_code=HTTPStatus.CREATED,
    responses=fails(404, 409, 410, 413, 415),
    openapi_extra=takes(model_ref(BranchOrder), required=False),
)
async def branch_thread(
    who: Caller,
    desk: TheDesk,
    thread_id: str,
    order: Annotated[BranchOrder, Depends(body_of(BranchOrder, optional=True))],
    response: Response,
    key: IdempotencyKey = None,
) -> BranchView:
    """A thread that shares this one's past up to a position, and copies nothing. With `continue` the run under way there goes on in it;
    409 where none is."""
    view = await desk.branch_thread(who, thread_id, order, key)
    response.headers["Location"] = f"/v1/threads/{view.id}"
    return view


@router.get("/branches", responses=fails(404))
async def list_branches(who: Caller, desk: TheDesk, thread_id: str, order: PageOf) -> PageView[ThreadView]:
    """Newest first."""
    return await desk.branch_thread.list(who, thread_id, order)


@router.get("/tree", responses=fails(404))
async def show_tree(who: Caller, desk: TheDesk, thread_id: str) -> TreeView:
    """The thread and all that came from it, parents before their children; 1,000 at most."""
    return await desk.show_tree(who, thread_id)


@router.get("/children", responses=fails(404))
async def join_children(who: Caller, desk: TheDesk, thread_id: str, wait: Wait = 0) -> ChildrenView:
    """What the parallel and sequential threads below this one came to; with `wait` as soon as each has ended or needs somebody."""
    return await desk.join_children(who, thread_id, wait)


@router.post(
    "/runs",
    status_code=HTTPStatus.ACCEPTED,
    responses={200: {"model": AgainView, "description": "The run has settled."}, **fails(404, 409, 410, 413, 415)},
    openapi_extra=takes(model_ref(AgainOrder), required=False),
)
async def run_again(
    who: Caller,
    desk: TheDesk,
    thread_id: str,
    order: Annotated[AgainOrder, Depends(body_of(AgainOrder, optional=True))],
    response: Response,
    key: IdempotencyKey = None,
    wait: Wait = 0,
) -> AgainView:
    """Branch at a position, change what is to be changed there, and run: the workflow of the run at that position, with its input, or
    another one. 200 when `wait` saw the run settle, else 202."""
    view = await desk.run_again(who, thread_id, order, key)
    response.headers["Location"] = f"/v1/runs/{view.run.id}"
    if not wait:
        return view
    run, settled = await desk.wait_for_run(who, view.run.id, wait)
    if settled:
        response.status_code = HTTPStatus.OK
    return view.model_copy(update={"run": run})


@router.get("/runs", responses=fails(404))
async def list_thread_runs(who: Caller, desk: TheDesk, thread_id: str, order: PageOf) -> PageView[RunListItem]:
    """Newest first; those that its ancestors had are theirs."""
    return await desk.run_again.list(who, thread_id, order)

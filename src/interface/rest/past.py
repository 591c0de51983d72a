"""The past of a thread: its state at any position, what changed it, how two positions differ."""

from typing import Annotated

from fastapi import APIRouter, Query

from application.looking_back import HistoryOrder
from application.past_views import DifferenceView, StateHistoryEntryView, StateView
from application.views import PageView
from interface.rest.auth import Caller, TheDesk
from interface.rest.openapi import fails

router = APIRouter(prefix="/v1/threads/{thread_id}", tags=["threads"])

_MOST = 2**63 - 1
_At = Annotated[int | None, Query(ge=0, le=_MOST, description="After the row at this position; left out: now.")]
_From = Annotated[int, Query(alias="from", ge=0, le=_MOST)]
_To = Annotated[int | None, Query(ge=0, le=_MOST, description="Left out: now.")]


@router.get("/state", responses=fails(404, 410))
async def read_state(who: Caller, desk: TheDesk, thread_id: str, at: _At = None) -> StateView:
    """What the thread holds at a position, and the run under way there. 410 for what retention removed."""
    return await desk.past.state(who, thread_id, at)


@router.get("/history", responses=fails(404, 410))
async def read_history(
    who: Caller, desk: TheDesk, thread_id: str, order: Annotated[HistoryOrder, Query()]
) -> PageView[StateHistoryEntryView]:
    """Field by field, oldest first. `next_cursor` is the next page's `after`."""
    return await desk.past.history(who, thread_id, order)


@router.get("/diff", responses=fails(404, 410))
async def read_difference(who: Caller, desk: TheDesk, thread_id: str, start: _From, to: _To = None) -> DifferenceView:
    """What turns the state at `from` into the state at `to`, in either direction."""
    return await desk.past.difference(who, thread_id, start, to)

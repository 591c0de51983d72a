"""Workers: which there are, and what they have in hand."""

from fastapi import APIRouter

from application.registering import WorkerView
from application.views import PageView
from interface.rest.auth import Caller, TheDesk
from interface.rest.openapi import fails
from interface.rest.parameters import PageOf

router = APIRouter(prefix="/v1/workers", tags=["workers"])


@router.get("", responses=fails())
async def list_workers(who: Caller, desk: TheDesk, order: PageOf) -> PageView[WorkerView]:
    """Oldest first. Without Redis, or while it does not answer, only a worker in this very process is known."""
    return await desk.list_workers(who, order)

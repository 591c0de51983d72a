"""Models: aliases, prices, which are usable."""

from fastapi import APIRouter

from application.views import ModelView, PageView
from interface.rest.auth import Caller, TheDesk
from interface.rest.openapi import fails
from interface.rest.parameters import PageOf

router = APIRouter(prefix="/v1/models", tags=["models"])


@router.get("", responses=fails())
async def list_models(who: Caller, desk: TheDesk, order: PageOf) -> PageView[ModelView]:
    """Aliases first."""
    return await desk.list_models(who, order)

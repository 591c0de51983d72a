"""The history: what was said to models and tools, what it used and cost, how runs ended."""

from typing import Annotated

from fastapi import APIRouter, Query

from application.history_views import HistoryListOrder, HistoryRecordView
from application.views import PageView
from interface.rest.auth import Caller, TheDesk
from interface.rest.openapi import fails

router = APIRouter(prefix="/v1/history", tags=["history"])


@router.get("", responses=fails())
async def list_history(who: Caller, desk: TheDesk, order: Annotated[HistoryListOrder, Query()]) -> PageView[HistoryRecordView]:
    """Newest first. What was said (`data.content`, `text`) is for operators. With `text` a page looks at 2,000 records, and may be empty
    and still have a next one."""
    return await desk.history.list(who, order)

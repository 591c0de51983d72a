"""The audit trail: who did what to which, and who decided."""

from typing import Annotated

from fastapi import APIRouter, Query

from application.audit_views import AuditListOrder, ChainView, DeedView, VerifyOrder
from application.views import PageView
from interface.rest.auth import Caller, TheDesk
from interface.rest.openapi import fails

router = APIRouter(prefix="/v1/audit", tags=["audit"])


@router.get("", responses=fails())
async def list_deeds(who: Caller, desk: TheDesk, order: Annotated[AuditListOrder, Query()]) -> PageView[DeedView]:
    """Newest first. For admins."""
    return await desk.audit.list(who, order)


@router.get("/verify", responses=fails())
async def verify_trail(who: Caller, desk: TheDesk, order: Annotated[VerifyOrder, Query()]) -> ChainView:
    """Read the chain and say the first record that does not fit. When `more` is true go on with the `number` and `digest` of the
    answer, as `after=NUMBER:DIGEST`. For admins."""
    return await desk.audit.verify(who, order.start, order.limit)

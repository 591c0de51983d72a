"""Budgets: how much may be used, and how much is left."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel

from application.budgets.orders import BudgetOrder, BudgetPatch
from application.budgets.views import BudgetView
from application.views import PageView
from interface.rest.auth import Caller, TheDesk
from interface.rest.bodies import body_of, model_ref, takes
from interface.rest.openapi import fails
from interface.rest.parameters import IdempotencyKey, PageOf

router = APIRouter(prefix="/v1/budgets", tags=["budgets"])
BODIES: tuple[type[BaseModel], ...] = (BudgetOrder, BudgetPatch)


@router.post("", status_code=HTTPStatus.CREATED, responses=fails(409, 413, 415), openapi_extra=takes(model_ref(BudgetOrder)))
async def create_budget(
    who: Caller,
    desk: TheDesk,
    order: Annotated[BudgetOrder, Depends(body_of(BudgetOrder))],
    response: Response,
    key: IdempotencyKey = None,
) -> BudgetView:
    """It counts every call that begins after this answer, and none that began before."""
    view = await desk.budgets.create(who, order, key)
    response.headers["Location"] = f"/v1/budgets/{view.id}"
    return view


@router.get("", responses=fails())
async def list_budgets(who: Caller, desk: TheDesk, order: PageOf) -> PageView[BudgetView]:
    """By name, each with what is spent, reserved and left in this period."""
    return await desk.budgets.list(who, order)


@router.get("/{budget_id}", responses=fails(404))
async def get_budget(who: Caller, desk: TheDesk, budget_id: str) -> BudgetView:
    return await desk.budgets.get(who, budget_id)


@router.patch("/{budget_id}", responses=fails(404, 413, 415), openapi_extra=takes(model_ref(BudgetPatch)))
async def change_budget(
    who: Caller, desk: TheDesk, budget_id: str, patch: Annotated[BudgetPatch, Depends(body_of(BudgetPatch))]
) -> BudgetView:
    """Change what is said; the rest stays. Runs that are parked for it go on when there is room for them."""
    return await desk.budgets.change(who, budget_id, patch)


@router.delete("/{budget_id}", status_code=HTTPStatus.NO_CONTENT, responses=fails(404))
async def remove_budget(who: Caller, desk: TheDesk, budget_id: str) -> None:
    """With all that is known of its use. Runs that are parked for it go on."""
    await desk.budgets.remove(who, budget_id)

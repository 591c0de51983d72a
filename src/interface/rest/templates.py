"""Templates: graph documents with typed holes."""

from http import HTTPStatus
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from application.templates import TemplateOrder
from application.views import PageView
from application.workflow_views import TemplateView
from interface.rest.auth import Caller, TheDesk
from interface.rest.bodies import body_of, model_ref, takes
from interface.rest.openapi import fails
from interface.rest.parameters import IdempotencyKey, PageOf
from interface.rest.placed import placed

router = APIRouter(prefix="/v1/templates", tags=["templates"])


class FillOrder(BaseModel):
    """A value for each hole that has no default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    parameters: dict[str, JsonValue] = Field(default_factory=dict)


BODIES: tuple[type[BaseModel], ...] = (FillOrder, TemplateOrder)
_Template = Annotated[TemplateOrder, Depends(body_of(TemplateOrder))]


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    responses={200: {"model": TemplateView, "description": "It replaced the one of this name."}, **fails(409, 413, 415)},
    openapi_extra=takes(model_ref(TemplateOrder)),
)
async def put_template(
    who: Caller,
    desk: TheDesk,
    order: Annotated[TemplateOrder, Depends(body_of(TemplateOrder))],
    response: Response,
    key: IdempotencyKey = None,
) -> TemplateView:
    """Keep a template, or replace the one of its name."""
    kept = await desk.put_template(who, order, key)
    placed(response, f"/v1/templates/{quote(kept.view.name, safe='')}", fresh=kept.fresh)
    return kept.view


@router.get("", responses=fails())
async def list_templates(who: Caller, desk: TheDesk, order: PageOf) -> PageView[TemplateView]:
    """By name, without documents."""
    return await desk.list_templates(who, order)


@router.get("/{name}", responses=fails(404))
async def get_template(who: Caller, desk: TheDesk, name: str) -> TemplateView:
    return await desk.get_template(who, name)


@router.post("/{name}/instantiate", responses=fails(404, 413, 415), openapi_extra=takes(model_ref(FillOrder)))
async def instantiate_template(
    who: Caller, desk: TheDesk, name: str, order: Annotated[FillOrder, Depends(body_of(FillOrder))]
) -> dict[str, JsonValue]:
    """The document with its holes filled. Publishes nothing."""
    return await desk.instantiate_template(who, name, order.parameters)

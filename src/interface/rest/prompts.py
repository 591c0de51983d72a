"""Prompts as versioned documents: publish one, find it again, try it, compare two versions, say who gets which."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response
from pydantic import BaseModel

from application.prompt_documents import PromptDocument
from application.prompt_views import DiffOrder, DiffView, PromptView, RenderOrder, RenderView, RolloutOrder, RolloutView
from application.views import PageView
from interface.rest.auth import Caller, TheDesk
from interface.rest.bodies import body_of, model_ref, takes
from interface.rest.openapi import fails
from interface.rest.parameters import IdempotencyKey, PageOf
from interface.rest.placed import placed

router = APIRouter(prefix="/v1/prompts", tags=["prompts"])
BODIES: tuple[type[BaseModel], ...] = (PromptDocument, RenderOrder, DiffOrder, RolloutOrder)
Name = Annotated[str, Path(min_length=1, max_length=200, description="`answer`, or with slashes: `support/answer`.")]
# A POST whose number is none finds the route that lists versions, and is 405.
Number = Annotated[int, Path(ge=1, le=2**31)]


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    responses={200: {"model": PromptView, "description": "This very content was published before."}, **fails(409, 413, 415)},
    openapi_extra=takes(model_ref(PromptDocument)),
)
async def publish_prompt(
    who: Caller,
    desk: TheDesk,
    document: Annotated[PromptDocument, Depends(body_of(PromptDocument))],
    response: Response,
    key: IdempotencyKey = None,
) -> PromptView:
    """Publish a prompt under the next number of its name. A version never changes."""
    published = await desk.prompts.publish(who, document, key)
    view = published.view
    placed(response, f"/v1/prompts/{view.name}/{view.version}", fresh=published.fresh)
    return view


@router.get("", responses=fails())
async def list_prompts(who: Caller, desk: TheDesk, order: PageOf) -> PageView[PromptView]:
    """The newest version of each name."""
    return await desk.prompts.list(who, order)


@router.put("/{name:path}/rollout", responses=fails(404, 413, 415), openapi_extra=takes(model_ref(RolloutOrder)))
async def roll_out_prompt(
    who: Caller, desk: TheDesk, name: Name, order: Annotated[RolloutOrder, Depends(body_of(RolloutOrder))]
) -> RolloutView:
    """Say which version those get that name none, in percent of them. Runs under way keep theirs."""
    return await desk.prompts.roll_out(who, name, order)


@router.post("/{name:path}/{number:int}/render", responses=fails(404, 405, 413, 415), openapi_extra=takes(model_ref(RenderOrder)))
async def render_prompt(
    who: Caller, desk: TheDesk, name: Name, number: Number, order: Annotated[RenderOrder, Depends(body_of(RenderOrder))]
) -> RenderView:
    """What a model would be told with these variables. No model is asked."""
    return await desk.prompts.render(who, name, number, order.variables)


@router.post("/{name:path}/{number:int}/diff", responses=fails(404, 405, 413, 415), openapi_extra=takes(model_ref(DiffOrder)))
async def compare_prompts(
    who: Caller, desk: TheDesk, name: Name, number: Number, order: Annotated[DiffOrder, Depends(body_of(DiffOrder))]
) -> DiffView:
    """What differs between two versions, in the documents and in what is rendered."""
    return await desk.prompts.diff(who, name, number, order)


@router.get("/{name:path}/{number:int}", responses=fails(404))
async def get_prompt(who: Caller, desk: TheDesk, name: Name, number: Number) -> PromptView:
    return await desk.prompts.get(who, name, number)


@router.get("/{name:path}", responses=fails(404))
async def list_prompt_versions(who: Caller, desk: TheDesk, name: Name, order: PageOf) -> PageView[PromptView]:
    """All versions of a name, newest first, each with its share of those that name no version."""
    return await desk.prompts.versions(who, name, order)

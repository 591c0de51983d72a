"""What is remembered across threads: items in namespaces."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel

from application.items import LONGEST_PATH, ItemListOrder, ItemOrder, ItemView
from application.views import PageView
from interface.rest.auth import Caller, TheDesk
from interface.rest.bodies import body_of, model_ref, takes
from interface.rest.openapi import fails

router = APIRouter(prefix="/v1/items", tags=["items"])
BODIES: tuple[type[BaseModel], ...] = (ItemOrder,)
ItemPath = Annotated[
    str, Path(min_length=3, max_length=LONGEST_PATH, description="The namespace, 1 to 10 names, and the key: `user/ada/colour`.")
]


@router.get("", responses=fails())
async def list_items(who: Caller, desk: TheDesk, order: Annotated[ItemListOrder, Query()]) -> PageView[ItemView]:
    """By namespace and key. A page may hold fewer than `limit` while there are more: go on until `next_cursor` is null."""
    return await desk.items.search(who, order)


@router.put("/{item:path}", responses=fails(404, 409, 413, 415), openapi_extra=takes(model_ref(ItemOrder)))
async def put_item(who: Caller, desk: TheDesk, item: ItemPath, order: Annotated[ItemOrder, Depends(body_of(ItemOrder))]) -> ItemView:
    """Keep a value, in place of what was there. With `expected_version` only over that version; 409 `item_changed` otherwise."""
    return await desk.items.put(who, item, order)


@router.get("/{item:path}", responses=fails(404))
async def get_item(who: Caller, desk: TheDesk, item: ItemPath) -> ItemView:
    return await desk.items.get(who, item)


@router.delete("/{item:path}", status_code=HTTPStatus.NO_CONTENT, responses=fails(404))
async def delete_item(who: Caller, desk: TheDesk, item: ItemPath) -> None:
    await desk.items.delete(who, item)

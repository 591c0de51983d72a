"""Webhooks: who is told of runs, and what was delivered."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel

from application.views import PageView
from application.webhook_orders import DeliveryListOrder, WebhookOrder, WebhookPatch
from application.webhook_views import DeliveryView, NewWebhookView, SecretView, WebhookView
from interface.rest.auth import Caller, TheDesk
from interface.rest.bodies import body_of, model_ref, takes
from interface.rest.openapi import fails
from interface.rest.parameters import IdempotencyKey, PageOf

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])
BODIES: tuple[type[BaseModel], ...] = (WebhookOrder, WebhookPatch)


@router.post("", status_code=HTTPStatus.CREATED, responses=fails(409, 413, 415), openapi_extra=takes(model_ref(WebhookOrder)))
async def create_webhook(
    who: Caller,
    desk: TheDesk,
    order: Annotated[WebhookOrder, Depends(body_of(WebhookOrder))],
    response: Response,
    key: IdempotencyKey = None,
) -> NewWebhookView:
    """It hears of everything that happens after this answer. The answer holds the secret that signs; keep it."""
    view = await desk.webhooks.create(who, order, key)
    response.headers["Location"] = f"/v1/webhooks/{view.id}"
    return view


@router.get("", responses=fails())
async def list_webhooks(who: Caller, desk: TheDesk, order: PageOf) -> PageView[WebhookView]:
    """Newest first."""
    return await desk.webhooks.list(who, order)


@router.get("/{webhook_id}", responses=fails(404))
async def get_webhook(who: Caller, desk: TheDesk, webhook_id: str) -> WebhookView:
    return await desk.webhooks.get(who, webhook_id)


@router.patch("/{webhook_id}", responses=fails(404, 413, 415), openapi_extra=takes(model_ref(WebhookPatch)))
async def change_webhook(
    who: Caller, desk: TheDesk, webhook_id: str, patch: Annotated[WebhookPatch, Depends(body_of(WebhookPatch))]
) -> WebhookView:
    """Change what is said; the rest stays. `{"enabled": true}` goes on after it was disabled, with what waits for it."""
    return await desk.webhooks.change(who, webhook_id, patch)


@router.delete("/{webhook_id}", status_code=HTTPStatus.NO_CONTENT, responses=fails(404))
async def remove_webhook(who: Caller, desk: TheDesk, webhook_id: str) -> None:
    """With its log; what waits for it is not sent."""
    await desk.webhooks.remove(who, webhook_id)


@router.post("/{webhook_id}/rotate-secret", responses=fails(404))
async def rotate_secret(who: Caller, desk: TheDesk, webhook_id: str) -> SecretView:
    """A new secret signs from now on; for 24 hours the one before signs too."""
    return await desk.webhooks.rotate(who, webhook_id)


@router.post("/{webhook_id}/test", status_code=HTTPStatus.ACCEPTED, responses=fails(404, 409))
async def try_webhook(who: Caller, desk: TheDesk, webhook_id: str, key: IdempotencyKey = None) -> DeliveryView:
    """Send it an event `webhook.test`; look into its deliveries for what came of it."""
    return await desk.webhooks.test(who, webhook_id, key)


@router.get("/{webhook_id}/deliveries", responses=fails(404))
async def list_deliveries(
    who: Caller, desk: TheDesk, webhook_id: str, order: Annotated[DeliveryListOrder, Query()]
) -> PageView[DeliveryView]:
    """Newest first; 30 days are kept."""
    return await desk.webhooks.log(who, webhook_id, order)


@router.post("/{webhook_id}/deliveries/{delivery_id}/redeliver", status_code=HTTPStatus.ACCEPTED, responses=fails(404, 409))
async def redeliver(who: Caller, desk: TheDesk, webhook_id: str, delivery_id: str) -> DeliveryView:
    """Send the same event once more, under the same id."""
    return await desk.webhooks.redeliver(who, webhook_id, delivery_id)

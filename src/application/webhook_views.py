"""Webhooks and deliveries, as readers get them."""

from datetime import datetime

from application.views import View
from domain.news import RunNews
from domain.webhook import Attempt, Delivery, DeliveryState, Webhook


class WebhookView(View):
    """`disabled_reason`: why Weft disabled it by itself. `failing_since`: the first failure after the last success."""

    id: str
    url: str
    events: list[RunNews]
    workflow: str | None
    description: str
    enabled: bool
    disabled_reason: str
    failing_since: datetime | None
    created_at: datetime

    @classmethod
    def of(cls, webhook: Webhook) -> "WebhookView":
        told = {name: getattr(webhook, name) for name in WebhookView.model_fields if name != "events"}
        return cls(**told, events=list(webhook.events))


class NewWebhookView(WebhookView):
    """`secret` is shown in this answer only."""

    secret: str

    @classmethod
    def with_secret(cls, webhook: Webhook) -> "NewWebhookView":
        return cls(**dict(WebhookView.of(webhook)), secret=webhook.secrets[0])


class SecretView(View):
    """`secret` signs from now on, and is shown in this answer only. Until `old_until` the one before signs too."""

    secret: str
    old_until: datetime


class AttemptView(View):
    """`status_code` null: no answer came, and `error` says why. `answer`: the beginning of what was answered, 4 KiB at most."""

    at: datetime
    seconds: float
    status_code: int | None
    error: str
    answer: str

    @classmethod
    def of(cls, attempt: Attempt) -> "AttemptView":
        return cls(at=attempt.at, seconds=attempt.seconds, status_code=attempt.status_code, error=attempt.error, answer=attempt.answer)


class DeliveryView(View):
    """`id` is what `webhook-id` says. `tries` counts since the event or since the last redelivery; `attempts` are the newest 20."""

    id: str
    webhook_id: str
    event: RunNews
    run_id: str | None
    state: DeliveryState
    tries: int
    created_at: datetime
    due_at: datetime | None
    attempts: list[AttemptView]

    @classmethod
    def of(cls, delivery: Delivery) -> "DeliveryView":
        return cls(
            id=delivery.id,
            webhook_id=delivery.webhook,
            event=delivery.news,
            run_id=delivery.run or None,
            state=delivery.state,
            tries=delivery.tries,
            created_at=delivery.created_at,
            due_at=delivery.due_at,
            attempts=[AttemptView.of(attempt) for attempt in delivery.attempts],
        )

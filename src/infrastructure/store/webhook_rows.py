"""Webhooks and deliveries as rows, and back."""

from dataclasses import asdict
from datetime import datetime
from typing import Any, Final, TypeAlias

import orjson

from domain.ids import DeliveryId, RunId, TenantId, WebhookId
from domain.news import RunNews, mask_of, wanted_by
from domain.webhook import Attempt, Delivery, DeliveryState, Webhook
from infrastructure.store.codec import encode, plain
from infrastructure.store.rows import Row, moment, seconds

Values: TypeAlias = dict[str, Any]
"""By column."""

_TOLD: Final = ("url", "description", "disabled_reason", "secrets")
_TIMES: Final = ("failing_since", "retires_at")


def webhook_row(webhook: Webhook) -> Values:
    told = {name: getattr(webhook, name) for name in _TOLD}
    times = {name: _perhaps_seconds(getattr(webhook, name)) for name in _TIMES}
    return {
        "id": webhook.id,
        "tenant": webhook.tenant,
        "created_at": seconds(webhook.created_at),
        "enabled": webhook.enabled,
        "mask": mask_of(webhook.events),
        "workflow": webhook.workflow,
        "revision": webhook.revision,
        "body": encode({**told, **times}),
    }


def webhook_of(row: Row) -> Webhook:
    identity, tenant, created_at, enabled, mask, workflow, revision, body = row
    told = plain(body)
    return Webhook(
        id=WebhookId(identity),
        tenant=TenantId(tenant),
        created_at=moment(created_at),
        url=told["url"],
        events=wanted_by(mask),
        secrets=tuple(told["secrets"]),
        workflow=workflow,
        description=told["description"],
        enabled=bool(enabled),
        disabled_reason=told["disabled_reason"],
        failing_since=_perhaps_moment(told["failing_since"]),
        retires_at=_perhaps_moment(told["retires_at"]),
        revision=revision,
    )


def delivery_row(delivery: Delivery) -> Values:
    return {
        "webhook": delivery.webhook,
        "id": delivery.id,
        "tenant": delivery.tenant,
        "run": delivery.run,
        "news": delivery.news.value,
        "created_at": seconds(delivery.created_at),
        "body": delivery.body,
        **progress_row(delivery),
    }


def progress_row(delivery: Delivery) -> Values:
    """What changes of it."""
    return {
        "state": delivery.state.value,
        "due_at": _perhaps_seconds(delivery.due_at),
        "tries": delivery.tries,
        "revision": delivery.revision,
        "attempts": encode([{**asdict(attempt), "at": seconds(attempt.at)} for attempt in delivery.attempts]),
    }


def delivery_of(row: Row) -> Delivery:
    webhook, identity, tenant, run, news, state, created_at, due_at, tries, revision, attempts, *body = row
    return Delivery(
        id=DeliveryId(identity),
        webhook=WebhookId(webhook),
        tenant=TenantId(tenant),
        news=RunNews(news),
        run=RunId(run),
        created_at=moment(created_at),
        body=body[0] if body else b"",
        state=DeliveryState(state),
        due_at=_perhaps_moment(due_at),
        tries=tries,
        attempts=tuple(Attempt(**{**attempt, "at": moment(attempt["at"])}) for attempt in orjson.loads(attempts)),
        revision=revision,
    )


def _perhaps_seconds(at: datetime | None) -> float | None:
    return None if at is None else seconds(at)


def _perhaps_moment(at: float | None) -> datetime | None:
    return None if at is None else moment(at)

"""Webhooks: who wants to hear of runs, what they are told, and what came of each try. Signed as Standard Webhooks."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.ids import DeliveryId, RunId, TenantId, WebhookId
from domain.news import RunNews

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - what stands before one
RETRY_SECONDS: Final = (5.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0)
"""After the first try that failed, the second, ...: a delivery is given up after three days."""
JITTER: Final = 0.1
"""A pause is longer by up to this share of it."""
GIVES_UP_AFTER: Final = timedelta(days=5)
"""Failures without a success between for so long: the webhook is disabled."""
MOST_ATTEMPTS_KEPT: Final = 20
GONE: Final = 410


@dataclass(frozen=True, slots=True)
class Webhook:
    """`workflow`: only runs of the workflow with this name. `secrets`: base64, the newest first; all of them sign. `failing_since`: the
    first failure after the last success. `revision` grows with every change."""

    id: WebhookId
    tenant: TenantId
    created_at: datetime
    url: str
    events: tuple[RunNews, ...]
    secrets: tuple[str, ...]
    workflow: str | None = None
    description: str = ""
    enabled: bool = True
    disabled_reason: str = ""
    failing_since: datetime | None = None
    retires_at: datetime | None = None
    """From then on only the newest secret signs."""
    revision: int = 0

    def wants(self, news: RunNews, workflow: str) -> bool:
        """`workflow` is `name@version`."""
        return self.enabled and news in self.events and self.workflow in (None, workflow.partition("@")[0])

    def rotated(self, secret: str, until: datetime) -> "Webhook":
        """A new secret signs from now on, and beside it the one before, so that receivers can change over."""
        return replace(self, secrets=(secret, self.secrets[0]), retires_at=until)

    def secrets_at(self, now: datetime) -> tuple[str, ...]:
        return self.secrets[:1] if self.retires_at is not None and self.retires_at <= now else self.secrets

    def after(self, attempt: "Attempt") -> "Webhook":
        """What a try means for the webhook itself: 410 and too long a row of failures disable it."""
        if attempt.succeeded:
            return self if self.failing_since is None else replace(self, failing_since=None)
        since = self.failing_since or attempt.at
        failing = replace(self, failing_since=since)
        if attempt.status_code == GONE:
            return failing.disable("the receiver answered 410 Gone: it wants no more")
        if attempt.at - since >= GIVES_UP_AFTER:
            return failing.disable(f"every try since {since.isoformat(timespec='seconds')} failed, the last one with: {attempt.reason}")
        return failing

    def disable(self, reason: str) -> "Webhook":
        return replace(self, enabled=False, disabled_reason=reason)

    def enable(self) -> "Webhook":
        return replace(self, enabled=True, disabled_reason="", failing_since=None)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try. `status_code` None: no answer came, and `error` says why. `answer`: the beginning of what was answered."""

    at: datetime
    seconds: float
    status_code: int | None = None
    error: str = ""
    answer: str = ""

    @property
    def succeeded(self) -> bool:
        return self.status_code is not None and 200 <= self.status_code < 300

    @property
    def reason(self) -> str:
        return self.error or f"status {self.status_code}"


class DeliveryState(StrEnum):
    """The last two are final, until somebody asks for a redelivery."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one webhook is told of one event. `body` is the JSON that is sent, the same bytes at every try. `due_at` None: no try will come.

    `tries`: since the event, or since the last redelivery. `attempts`: the newest, oldest first.
    """

    id: DeliveryId
    webhook: WebhookId
    tenant: TenantId
    news: RunNews
    run: RunId
    created_at: datetime
    body: bytes
    state: DeliveryState = DeliveryState.PENDING
    due_at: datetime | None = None
    tries: int = 0
    attempts: tuple[Attempt, ...] = field(default=())
    revision: int = 0

    def after(self, attempt: Attempt, chance: float) -> "Delivery":
        """`chance` in [0, 1) spreads retries."""
        tried = replace(self, tries=self.tries + 1, attempts=(*self.attempts, attempt)[-MOST_ATTEMPTS_KEPT:])
        if attempt.succeeded:
            return replace(tried, state=DeliveryState.DELIVERED, due_at=None)
        if self.tries >= len(RETRY_SECONDS) or attempt.status_code == GONE:
            return replace(tried, state=DeliveryState.FAILED, due_at=None)
        return replace(tried, due_at=attempt.at + timedelta(seconds=RETRY_SECONDS[self.tries] * (1 + JITTER * chance)))

    def again(self, now: datetime) -> "Delivery":
        """As if it had just happened, under the same id."""
        return replace(self, state=DeliveryState.PENDING, due_at=now, tries=0)


def secret_of(key: bytes) -> str:
    """As it is shown to its owner; `key` is 24 to 64 random bytes."""
    return SECRET_PREFIX + base64.b64encode(key).decode()


def signature(delivery: str, timestamp: int, body: bytes, secrets: Sequence[str]) -> str:
    """The value of `webhook-signature`: one `v1,BASE64` for each secret, a space between. `timestamp` in seconds since the epoch."""
    signed = f"{delivery}.{timestamp}.".encode() + body
    return " ".join("v1," + base64.b64encode(hmac.digest(_key(secret), signed, hashlib.sha256)).decode() for secret in secrets)


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(SECRET_PREFIX))

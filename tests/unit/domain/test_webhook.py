"""Signatures, and what a try means."""

import base64
import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.ids import DeliveryId, RunId, TenantId, WebhookId
from domain.news import TOLD, RunNews, mask_of, wanted_by
from domain.webhook import GIVES_UP_AFTER, RETRY_SECONDS, Attempt, Delivery, DeliveryState, Webhook, secret_of, signature

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
WEBHOOK = Webhook(WebhookId("w"), TenantId("acme"), NOON, "https://example.test", TOLD, (secret_of(b"new" * 8),))
DELIVERY = Delivery(DeliveryId("evt_1"), WEBHOOK.id, WEBHOOK.tenant, RunNews.FAILED, RunId("r"), NOON, b"{}", due_at=NOON)


def failed(at: datetime = NOON, status: int | None = 500) -> Attempt:
    return Attempt(at, 0.1, status, "" if status else "ConnectError: refused")


def test_a_signature_is_the_hmac_of_id_time_and_body_for_each_secret() -> None:
    keys = [b"a" * 32, b"b" * 24]
    made = signature("evt_1", 1_700_000_000, b'{"x": 1}', [secret_of(key) for key in keys])

    expected = [base64.b64encode(hmac.new(key, b'evt_1.1700000000.{"x": 1}', hashlib.sha256).digest()).decode() for key in keys]
    assert made == " ".join(f"v1,{one}" for one in expected)


@pytest.mark.parametrize("tries", range(len(RETRY_SECONDS)))
def test_each_pause_is_that_of_the_schedule_and_up_to_a_tenth_longer(tries: int) -> None:
    delivery = Delivery(DeliveryId("e"), WEBHOOK.id, WEBHOOK.tenant, RunNews.FAILED, RunId("r"), NOON, b"", tries=tries)
    sooner, later = (delivery.after(failed(), chance).due_at for chance in (0.0, 1.0))

    assert sooner == NOON + timedelta(seconds=RETRY_SECONDS[tries])
    assert later == NOON + timedelta(seconds=RETRY_SECONDS[tries] * 1.1)


def test_after_the_last_pause_and_after_410_no_try_comes() -> None:
    last = Delivery(DeliveryId("e"), WEBHOOK.id, WEBHOOK.tenant, RunNews.FAILED, RunId("r"), NOON, b"", tries=len(RETRY_SECONDS))

    for given_up in (last.after(failed(), 0.0), DELIVERY.after(failed(status=410), 0.0)):
        assert (given_up.state, given_up.due_at) == (DeliveryState.FAILED, None)
    again = last.after(failed(), 0.0).again(NOON)
    assert (again.id, again.state, again.due_at, again.tries, len(again.attempts)) == (last.id, DeliveryState.PENDING, NOON, 0, 1)


@pytest.mark.parametrize("status", [199, 300, 302, 404, 500, None])
def test_only_2xx_is_a_success(status: int | None) -> None:
    assert not failed(status=status).succeeded
    assert Attempt(NOON, 0.1, 299).succeeded


def test_a_webhook_is_disabled_by_410_and_by_five_days_of_failures_only() -> None:
    failing = WEBHOOK.after(failed())
    assert (failing.enabled, failing.failing_since) == (True, NOON)
    assert failing.after(failed(NOON + GIVES_UP_AFTER - timedelta(seconds=1))) == failing
    dead = failing.after(failed(NOON + GIVES_UP_AFTER, None))
    assert (dead.enabled, "ConnectError" in dead.disabled_reason) == (False, True)
    assert not WEBHOOK.after(failed(status=410)).enabled
    assert failing.after(Attempt(NOON, 0.1, 200)) == WEBHOOK
    assert dead.enable() == WEBHOOK


def test_for_a_while_both_secrets_sign_then_only_the_new_one() -> None:
    until = NOON + timedelta(hours=24)
    rotated = WEBHOOK.rotated("whsec_bmV3", until)

    assert rotated.secrets_at(until - timedelta(seconds=1)) == ("whsec_bmV3", WEBHOOK.secrets[0])
    assert rotated.secrets_at(until) == ("whsec_bmV3",)


def test_masks_keep_their_bits_and_come_back() -> None:
    assert {news.value: news.bit for news in RunNews} == {
        "run.started": 1,
        "run.parked": 2,
        "run.completed": 4,
        "run.failed": 8,
        "run.cancelled": 16,
        "webhook.test": 32,
        "run.waiting": 64,
        "run.notified": 128,
        "budget.alert": 256,
    }
    assert wanted_by(mask_of([RunNews.FAILED, RunNews.STARTED])) == (RunNews.STARTED, RunNews.FAILED)


@pytest.mark.parametrize(
    ("workflow", "hears"),
    [
        pytest.param(None, True, id="no filter"),
        pytest.param("triage", True, id="its name"),
        pytest.param("tri", False, id="the beginning of it"),
    ],
)
def test_a_filter_is_the_whole_name_of_a_workflow(workflow: str | None, hears: bool) -> None:
    assert replace(WEBHOOK, workflow=workflow).wants(RunNews.FAILED, "triage@1.0.0") is hears

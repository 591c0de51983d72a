"""Who is sent what, when, and how much at a time; days pass at once."""

import asyncio
from dataclasses import replace

import pytest

from application.delivering import AT_ONCE, AT_ONCE_PER_WEBHOOK, KEPT_DAYS, PAUSE_SECONDS, REST_SECONDS
from domain.ports.webhooks import DeliveryFilter
from domain.webhook import RETRY_SECONDS, DeliveryState
from tests.unit.application.delivering.post import open_post

DAY = 86_400.0
LONG = 30.0


async def test_what_fails_is_tried_again_over_three_days_and_then_given_up() -> None:
    async with open_post(LONG) as post:
        webhook = await post.webhook("bad")
        post.sender.statuses["bad"] = [500] * 100
        (delivery,) = await post.owe(webhook)
        async with post.working():
            await asyncio.sleep(5 * DAY)

        pauses = [later - sooner for sooner, later in zip(post.sender.times("bad"), post.sender.times("bad")[1:], strict=False)]
        assert pauses == pytest.approx(RETRY_SECONDS, abs=LONG)
        assert {headers["webhook-id"] for _, _, headers in post.sender.sent} == {delivery.id}
        kept = await post.store.deliveries.get(webhook, delivery.id)
        assert (kept.state, kept.due_at, kept.tries) == (DeliveryState.FAILED, None, len(RETRY_SECONDS) + 1)


async def test_a_success_ends_it_and_forgets_the_failures_before() -> None:
    async with open_post() as post:
        webhook = await post.webhook("flaky")
        post.sender.statuses["flaky"] = [500, 503]
        (delivery,) = await post.owe(webhook)
        async with post.working():
            await asyncio.sleep(1.0)
            failing = await post.found(webhook)
            await asyncio.sleep(400.0)

        kept = await post.store.deliveries.get(webhook, delivery.id)
        assert [attempt.status_code for attempt in kept.attempts] == [500, 503, 204]
        assert kept.state is DeliveryState.DELIVERED
        assert failing.failing_since is not None
        assert (await post.found(webhook)).failing_since is None


async def test_gone_disables_the_webhook_at_once_and_what_waits_is_kept() -> None:
    async with open_post() as post:
        webhook = await post.webhook("gone")
        post.sender.statuses["gone"] = [410]
        post.sender.seconds["gone"] = 1.0
        await post.owe(webhook, 6)
        async with post.working():
            await asyncio.sleep(100.0)

        disabled = await post.found(webhook)
        assert (disabled.enabled, "410" in disabled.disabled_reason) == (False, True)
        assert len(post.sender.sent) == AT_ONCE_PER_WEBHOOK
        waiting = await post.store.deliveries.list(webhook, DeliveryFilter(DeliveryState.PENDING), 10, None)
        assert len(waiting.items) == 2


async def test_five_days_of_failures_disable_it_and_say_why() -> None:
    async with open_post(LONG) as post:
        webhook = await post.webhook("dead")
        post.sender.statuses["dead"] = [500] * 5_000
        async with post.working():
            for hours in range(6 * 24):
                await post.owe(webhook, first=hours)
                await asyncio.sleep(3_600.0)
                if hours == 4 * 24:
                    assert (await post.found(webhook)).enabled

        dead = await post.found(webhook)
        assert (dead.enabled, "status 500" in dead.disabled_reason) == (False, True)
        assert max(post.sender.times("dead")) == pytest.approx(5 * DAY, abs=3_601.0)


async def test_a_slow_receiver_holds_up_nobody_else() -> None:
    async with open_post() as post:
        slow, quick = await post.webhook("slow"), await post.webhook("quick")
        post.sender.seconds["slow"] = 10.0
        await post.owe(slow, 50)
        async with post.working():
            await asyncio.sleep(1.0)
            await post.owe(quick, 10)
            await asyncio.sleep(4.0)

            assert len(post.sender.times("quick")) == 10
            assert len(post.sender.times("slow")) == AT_ONCE_PER_WEBHOOK
            await asyncio.sleep(200.0)
        assert post.sender.most["slow"] == AT_ONCE_PER_WEBHOOK
        assert len(post.sender.times("slow")) == 50


async def test_no_more_than_so_many_are_sent_at_once() -> None:
    async with open_post() as post:
        for number in range(12):
            post.sender.seconds[f"w{number}"] = 5.0
            await post.owe(await post.webhook(f"w{number}"), 8)
        async with post.working():
            await asyncio.sleep(100.0)

        assert post.sender.most["all"] == AT_ONCE
        assert len(post.sender.sent) == 12 * 8


async def test_what_was_being_sent_when_its_worker_stopped_is_sent_again() -> None:
    async with open_post() as post:
        webhook = await post.webhook("held")
        post.sender.seconds["held"] = 9.0
        (delivery,) = await post.owe(webhook)
        async with post.working():
            await asyncio.sleep(1.0)
        async with post.working():
            await asyncio.sleep(60.0)

        assert len(post.sender.sent) == 2
        assert (await post.store.deliveries.get(webhook, delivery.id)).state is DeliveryState.DELIVERED


async def test_an_owner_who_changes_the_webhook_meanwhile_keeps_the_change() -> None:
    async with open_post() as post:
        webhook = await post.webhook("busy")
        post.sender.statuses["busy"], post.sender.seconds["busy"] = [500], 2.0
        await post.owe(webhook)
        async with post.working():
            await asyncio.sleep(1.0)
            assert await post.store.webhooks.change(replace(await post.found(webhook), description="new"))
            await asyncio.sleep(3.0)

        found = await post.found(webhook)
        assert (found.description, found.failing_since is None) == ("new", False)


async def test_the_log_forgets_after_a_month() -> None:
    async with open_post() as post:
        webhook = await post.webhook("fine")
        await post.owe(webhook, 700)
        await asyncio.sleep(KEPT_DAYS * DAY)
        assert await post.forget.turn() == REST_SECONDS
        assert len((await post.store.deliveries.list(webhook, DeliveryFilter(), 1_000, None)).items) == 700

        await asyncio.sleep(1.0)
        assert [await post.forget.turn() for _ in range(2)] == [PAUSE_SECONDS, REST_SECONDS]
        assert not (await post.store.deliveries.list(webhook, DeliveryFilter(), 1_000, None)).items

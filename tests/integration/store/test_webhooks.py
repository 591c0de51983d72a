"""What every store promises about webhooks: what is owed to them is written with the append that it tells of."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.errors import DeliveryNotFound, Fenced, WebhookNotFound
from domain.graph.definition import Limits
from domain.ids import ContentHash, DeliveryId, Epoch, TenantId, WebhookId
from domain.news import TOLD, RunNews
from domain.ports.journal import Append
from domain.ports.queue import Claim
from domain.ports.webhooks import HEARD_SECONDS, DeliveryFilter
from domain.run.events import RunEnded, RunStarted
from domain.run.run import Run, RunStatus
from domain.telling import MOST_BYTES
from domain.webhook import Attempt, Delivery, DeliveryState, Webhook
from infrastructure.ids import new_id
from infrastructure.store.store import Store
from tests.integration.store.builders import ANN, NOON, a_run, a_tenant, append, claimed, finish, park, started

ANY = DeliveryFilter()
SECRET = "d2VmdCBzZWNyZXQgb2YgMzIgYnl0ZXMgZm9yIHRlc3Rz"


def a_webhook(tenant: TenantId, **told: Any) -> Webhook:
    made = Webhook(WebhookId(new_id()), tenant, NOON, "https://example.test/hook", TOLD, (SECRET,))
    return replace(made, **told)


async def listening(store: Store, tenant: TenantId, **told: Any) -> Webhook:
    """A webhook that every writer knows of: none of them asked before it was there."""
    webhook = a_webhook(tenant, **told)
    await store.webhooks.add(webhook)
    return webhook


async def log(store: Store, webhook: Webhook) -> Sequence[Delivery]:
    return (await store.deliveries.list(webhook, ANY, 100, None)).items


async def news(store: Store, webhook: Webhook) -> list[str]:
    return sorted(delivery.news.value for delivery in await log(store, webhook))


async def begin(store: Store, claim: Claim) -> Claim:
    """Its first row, with the public row it has from then on."""
    run = replace(claim.run, status=RunStatus.RUNNING, started_at=NOON)
    (row,) = await append(store, claim.lease, claim.position, RunStarted(run.id, ContentHash("c"), {}, 0.0, limits=Limits()), run=run)
    return replace(claim, run=run, position=row.position)


async def test_a_run_is_told_of_as_it_starts_parks_and_ends(store: Store) -> None:
    run = a_run()
    webhook = await listening(store, run.tenant)
    await started(store, run)
    claim = await begin(store, await claimed(store))
    await park(store, claim, 0.0)
    again = await claimed(store)
    await finish(store, again)

    assert await news(store, webhook) == ["run.completed", "run.parked", "run.started"]
    (ended,) = [delivery for delivery in await log(store, webhook) if delivery.news is RunNews.COMPLETED]
    whole = await store.deliveries.get(webhook, ended.id)
    told = json.loads(whole.body)
    assert told["type"] == "run.completed"
    assert told["data"]["run"] | {"output": {"reply": "done"}, "status": "completed", "id": run.id, "position": 2} == told["data"]["run"]
    assert whole.state is DeliveryState.PENDING
    assert whole.due_at == whole.created_at


async def test_each_webhook_hears_what_it_asked_for(store: Store) -> None:
    run = a_run()
    failures = await listening(store, run.tenant, events=(RunNews.FAILED,))
    same = await listening(store, run.tenant, workflow="triage", events=(RunNews.COMPLETED,))
    other = await listening(store, run.tenant, workflow="tri")
    off = await listening(store, run.tenant, enabled=False)
    foreign = await listening(store, a_tenant())
    await started(store, run)
    await finish(store, await claimed(store))

    assert [await news(store, webhook) for webhook in (failures, same, other, off, foreign)] == [[], ["run.completed"], [], [], []]


async def test_an_append_that_is_refused_tells_nothing(store: Store) -> None:
    run = a_run()
    webhook = await listening(store, run.tenant)
    await started(store, run)
    claim = await claimed(store)
    lost = replace(claim, lease=replace(claim.lease, epoch=Epoch(claim.lease.epoch - 1)))

    with pytest.raises(Fenced):
        await finish(store, lost)

    assert await news(store, webhook) == []


async def test_a_run_that_parks_again_without_a_row_in_between_is_told_once(store: Store) -> None:
    run = a_run()
    webhook = await listening(store, run.tenant)
    await started(store, run)
    for _ in range(3):
        await park(store, await claimed(store), 0.0)

    assert await news(store, webhook) == ["run.parked"]


async def test_an_output_that_is_too_large_is_left_out_and_said(store: Store) -> None:
    run = a_run()
    webhook = await listening(store, run.tenant)
    await started(store, run)
    claim = await claimed(store)
    over = replace(claim.run, status=RunStatus.COMPLETED, output="x" * MOST_BYTES, ended_at=NOON)
    await append(store, claim.lease, claim.position, RunEnded("completed", None), run=over, release_at=0.0)

    (delivery,) = await log(store, webhook)
    body = (await store.deliveries.get(webhook, delivery.id)).body
    assert len(body) < 2_000
    told = json.loads(body)["data"]["run"]
    assert (told["output"], "too large" in told["output_omitted"]) == (None, True)


async def test_many_runs_that_share_commits_are_each_told_of(store: Store) -> None:
    tenant = a_tenant()
    webhook = await listening(store, tenant)
    runs = [a_run(tenant) for _ in range(12)]
    for run in runs:
        await started(store, run)
    claims = await store.queue.claim(ANN, 12, 60.0)
    await asyncio.gather(*(finish(store, claim) for claim in claims))

    assert sorted(delivery.run for delivery in await log(store, webhook)) == sorted(run.id for run in runs)


async def test_a_writer_that_found_nobody_listening_hears_of_a_new_webhook(store: Store, beside: Store) -> None:
    tenant = a_tenant()
    await started(store, a_run(tenant))
    await finish(beside, await claimed(beside))
    webhook = await listening(store, tenant)
    await asyncio.sleep(HEARD_SECONDS)  # the promise is one of time
    await started(store, a_run(tenant))
    await finish(beside, await claimed(beside))

    assert await news(store, webhook) == ["run.completed"]


async def test_a_due_delivery_is_taken_by_one(store: Store, beside: Store) -> None:
    run, webhook = await a_debt(store)
    now = datetime.now(UTC)

    assert list(await store.owed.due()) == [webhook.id]
    both = await asyncio.gather(*(some.owed.take(webhook.id, now, now + timedelta(seconds=30), 5) for some in (store, beside)))

    taken = [delivery for _, deliveries in both for delivery in deliveries]
    assert [delivery.run for delivery in taken] == [run.id]
    assert json.loads(taken[0].body)["data"]["run"]["id"] == run.id
    later = await store.owed.take(webhook.id, now + timedelta(seconds=31), now + timedelta(seconds=60), 5)
    assert [delivery.id for delivery in later[1]] == [taken[0].id]
    assert not await store.deliveries.settle(taken[0])


async def test_what_came_of_a_try_is_kept(store: Store) -> None:
    _, webhook = await a_debt(store)
    now = datetime.now(UTC)
    _, (delivery,) = await store.owed.take(webhook.id, now, now + timedelta(seconds=30), 5)
    tried = delivery.after(Attempt(NOON, 0.25, 500, answer="bad ☃"), 0.0)

    assert await store.deliveries.settle(tried)

    kept = await store.deliveries.get(webhook, delivery.id)
    assert kept == replace(tried, revision=tried.revision + 1)
    assert await store.owed.due() == {webhook.id: NOON + timedelta(seconds=5)}
    assert await store.deliveries.settle(kept.after(Attempt(NOON, 0.1, 204), 0.0))
    assert not await store.owed.due()


async def test_a_disabled_or_removed_webhook_is_owed_nothing(store: Store) -> None:
    _, webhook = await a_debt(store)
    now = datetime.now(UTC)

    assert await store.webhooks.change(webhook.disable("too slow"))
    assert not await store.webhooks.change(webhook)
    assert not await store.owed.due()
    assert await store.owed.take(webhook.id, now, now, 5) == (None, ())
    there = await store.webhooks.get(webhook.tenant, webhook.id)
    assert (there.disabled_reason, there.revision) == ("too slow", 1)
    assert await store.webhooks.change(there.enable())
    assert list(await store.owed.due()) == [webhook.id]

    await store.webhooks.remove(webhook.tenant, webhook.id)
    assert not await store.owed.due()
    with pytest.raises(WebhookNotFound):
        await store.webhooks.get(webhook.tenant, webhook.id)
    with pytest.raises(DeliveryNotFound):
        await store.deliveries.get(webhook, DeliveryId("evt_x"))


async def test_webhooks_come_back_as_they_were_and_only_to_their_tenant(store: Store) -> None:
    tenant = a_tenant()
    told: dict[str, Any] = {"description": "é", "workflow": "triage", "events": (RunNews.FAILED, RunNews.CANCELLED), "failing_since": NOON}
    first = await listening(store, tenant, **told)
    second = await listening(store, tenant, created_at=NOON + timedelta(hours=1), retires_at=NOON, secrets=(SECRET, SECRET))

    page = await store.webhooks.list(tenant, 1, None)
    rest = await store.webhooks.list(tenant, 1, page.next_cursor)
    assert [*page.items, *rest.items] == [second, first]
    with pytest.raises(WebhookNotFound):
        await store.webhooks.get(a_tenant(), first.id)
    with pytest.raises(WebhookNotFound):
        await store.webhooks.remove(a_tenant(), first.id)


async def test_the_log_is_filtered_and_paged_and_forgets_what_is_old(store: Store) -> None:
    webhook = await listening(store, a_tenant())
    made = [a_delivery(webhook, number) for number in range(5)]
    for delivery in made:
        await store.deliveries.add(delivery)
    await store.deliveries.settle(made[1].after(Attempt(NOON, 0.1, 200), 0.0))

    page = await store.deliveries.list(webhook, ANY, 3, None)
    rest = await store.deliveries.list(webhook, ANY, 3, page.next_cursor)
    assert [one.id for one in (*page.items, *rest.items)] == [one.id for one in reversed(made)]
    assert {one.body for one in page.items} == {b""}
    assert [one.id for one in (await store.deliveries.list(webhook, DeliveryFilter(DeliveryState.DELIVERED), 9, None)).items] == [
        made[1].id
    ]
    assert [one.id for one in (await store.deliveries.list(webhook, DeliveryFilter(run=made[2].run), 9, None)).items] == [made[2].id]
    assert not (await store.deliveries.list(webhook, DeliveryFilter(news=RunNews.FAILED), 9, None)).items

    until = NOON + timedelta(hours=3)
    assert [await store.owed.forget(until, 2) for _ in range(3)] == [2, 1, 0]
    assert [one.id for one in (await log(store, webhook))] == [made[4].id, made[3].id]


def a_delivery(webhook: Webhook, hours: int) -> Delivery:
    at = NOON + timedelta(hours=hours)
    return Delivery(DeliveryId(f"evt_{hours}"), webhook.id, webhook.tenant, RunNews.COMPLETED, a_run().id, at, b"{}", due_at=at)


async def a_debt(store: Store) -> tuple[Run, Webhook]:
    """A finished run, and the webhook that is to hear of it."""
    run = a_run()
    webhook = await listening(store, run.tenant)
    await started(store, run)
    await finish(store, await claimed(store))
    return run, webhook


async def test_a_run_is_told_of_as_it_starts_also_when_its_public_row_stays_as_it_is(store: Store) -> None:
    run = a_run()
    webhook = await listening(store, run.tenant)
    await started(store, run)
    claim = await claimed(store)
    first = RunStarted(run.id, ContentHash("c"), {}, 0.0, limits=Limits())
    await store.journal.append(Append(claim.lease, claim.position, [first], begun=claim.run))

    (delivery,) = await log(store, webhook)
    told = json.loads((await store.deliveries.get(webhook, delivery.id)).body)
    assert (told["type"], told["data"]["run"]["status"], told["data"]["run"]["position"]) == ("run.started", "running", 1)

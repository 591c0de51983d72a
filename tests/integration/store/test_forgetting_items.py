"""The chore that sweeps expired items, over every store."""

from datetime import timedelta

from application.forgetting import BATCH, PAUSE_SECONDS, REST_SECONDS, ForgetItems
from domain.item import Item
from domain.ports.items import ItemFilter
from infrastructure.clock import SystemClock
from infrastructure.store.store import Store
from tests.integration.store.builders import NOON, a_tenant


async def test_it_goes_on_soon_while_there_is_more_and_rests_when_there_is_not(store: Store) -> None:
    clock, tenant = SystemClock(), a_tenant()
    for n in range(BATCH + 1):
        await store.items.put(Item(tenant, ("a",), f"{n:03}", n, NOON, NOON, NOON))
    await store.items.put(Item(tenant, ("a",), "young", 0, NOON, NOON, clock.now() + timedelta(hours=1)))
    chore = ForgetItems(store.items, clock)

    assert [await chore.turn() for _ in range(2)] == [PAUSE_SECONDS, REST_SECONDS]
    before = NOON - timedelta(days=1)
    assert [item.key for item in (await store.items.search(tenant, ItemFilter(), before, 10, None)).items] == ["young"]

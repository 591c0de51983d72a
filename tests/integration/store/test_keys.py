"""What every shelf of keys, and every store's health, promises."""

from datetime import timedelta
from hashlib import sha256

import pytest

from domain.access import ApiKey, Role
from domain.errors import KeyNotFound
from domain.ids import KeyId, TenantId
from infrastructure.ids import new_id
from infrastructure.store.store import Store
from tests.integration.store.builders import NOON, a_tenant


def a_key(tenant: TenantId, seconds: int = 0) -> ApiKey:
    name = new_id()
    return ApiKey(KeyId(name), tenant, Role.AUTHOR, sha256(name.encode()).hexdigest(), "laptop é", NOON + timedelta(seconds=seconds))


async def test_a_key_is_found_by_its_digest(store: Store, beside: Store) -> None:
    key = a_key(a_tenant())

    await store.keys.add(key)

    assert await store.keys.by_digest(key.digest) == key
    assert await beside.keys.by_digest(key.digest) == key
    assert await store.keys.by_digest("0" * 64) is None


async def test_keys_of_a_tenant_are_listed_oldest_first(store: Store) -> None:
    tenant = a_tenant()
    keys = [a_key(tenant, second) for second in (2, 0, 1)]
    for key in [*keys, a_key(a_tenant())]:
        await store.keys.add(key)

    assert list(await store.keys.list(tenant)) == [keys[1], keys[2], keys[0]]


async def test_a_removed_key_opens_nothing(store: Store) -> None:
    key = a_key(a_tenant())
    await store.keys.add(key)

    await store.keys.remove(key.tenant, key.id)

    assert await store.keys.by_digest(key.digest) is None
    assert not await store.keys.list(key.tenant)
    with pytest.raises(KeyNotFound):
        await store.keys.remove(key.tenant, key.id)


async def test_another_tenant_cannot_remove_a_key(store: Store) -> None:
    key = a_key(a_tenant())
    await store.keys.add(key)

    with pytest.raises(KeyNotFound):
        await store.keys.remove(a_tenant(), key.id)

    assert await store.keys.by_digest(key.digest) == key


async def test_an_open_store_is_ready(store: Store) -> None:
    health = await store.health.check()

    assert health.ready, health.reason

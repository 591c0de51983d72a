"""What every store promises about what is remembered across threads."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.errors import ItemChanged, ItemNotFound, ValidationError
from domain.ids import TenantId
from domain.item import Comparison, Condition, Item
from domain.json import Json
from domain.ports.items import ItemFilter
from infrastructure.store.cursor import pack
from infrastructure.store.store import Store
from tests.integration.store.builders import NOON, a_tenant

NOTES = ("user", "ann", "notes")
LATER = NOON + timedelta(seconds=60)


def an_item(tenant: TenantId, value: Json = "blue", **told: Any) -> Item:
    return replace(Item(tenant, NOTES, "colour", value, NOON, NOON), **told)


async def found(store: Store, tenant: TenantId, *conditions: Condition, limit: int = 100, **told: Any) -> list[str]:
    """The keys on all pages."""
    wanted, keys, cursor = ItemFilter(conditions=conditions, **told), [], None
    while True:
        page = await store.items.search(tenant, wanted, NOON, limit, cursor)
        assert len(page.items) <= limit
        keys += [item.key for item in page.items]
        if (cursor := page.next_cursor) is None:
            return keys


async def test_it_comes_back_as_it_was_put(store: Store) -> None:
    item = an_item(a_tenant(), {"é ☃": [1, 2.5, None, True, "a\0b"]}, expires_at=LATER)

    assert await store.items.put(item) == item
    assert await store.items.get(item.tenant, NOTES, "colour", NOON) == item


async def test_each_write_has_the_next_version_and_keeps_when_it_was_first_written(store: Store) -> None:
    item = an_item(a_tenant())
    await store.items.put(item)
    second = await store.items.put(replace(item, value="red", created_at=LATER, updated_at=LATER))

    assert second == replace(item, value="red", updated_at=LATER, version=2)
    assert await store.items.get(item.tenant, NOTES, "colour", LATER) == second


async def test_a_write_over_another_version_than_expected_changes_nothing(store: Store) -> None:
    item = an_item(a_tenant())
    with pytest.raises(ItemChanged):
        await store.items.put(item, expected=1)
    await store.items.put(item, expected=0)
    for expected in (0, 2):
        with pytest.raises(ItemChanged):
            await store.items.put(replace(item, value="red"), expected=expected)

    assert await store.items.get(item.tenant, NOTES, "colour", NOON) == item


async def test_of_many_writers_that_expect_one_version_one_succeeds(store: Store, beside: Store) -> None:
    item = await store.items.put(an_item(a_tenant()))
    writes = (where.items.put(replace(item, value=n), expected=1) for n, where in enumerate((store, beside) * 4))
    done = await asyncio.gather(*writes, return_exceptions=True)

    (kept,) = [one for one in done if isinstance(one, Item)]
    assert sum(isinstance(one, ItemChanged) for one in done) == 7
    assert await store.items.get(item.tenant, NOTES, "colour", NOON) == kept


async def test_of_many_writers_that_expect_nothing_each_is_counted(store: Store, beside: Store) -> None:
    item = an_item(a_tenant())
    await asyncio.gather(*(where.items.put(replace(item, value=n)) for n, where in enumerate((store, beside) * 3)))

    assert (await store.items.get(item.tenant, NOTES, "colour", NOON)).version == 6


async def test_what_expired_is_as_if_it_had_never_been(store: Store) -> None:
    item = await store.items.put(an_item(a_tenant(), expires_at=NOON))
    for lost in (store.items.get, store.items.delete):
        with pytest.raises(ItemNotFound):
            await lost(item.tenant, NOTES, "colour", NOON)
    assert await found(store, item.tenant) == []

    again = await store.items.put(an_item(item.tenant, "red", created_at=LATER, updated_at=LATER), expected=0)
    assert again.created_at == LATER


async def test_only_what_expired_is_swept_and_in_batches(store: Store) -> None:
    tenant = a_tenant()
    for n in range(3):
        await store.items.put(an_item(tenant, key=f"old{n}", expires_at=NOON))
    await store.items.put(an_item(tenant, key="young", expires_at=LATER))
    await store.items.put(an_item(tenant, key="lasting"))

    assert [await store.items.forget(NOON + timedelta(seconds=1), 2) for _ in range(3)] == [2, 1, 0]
    assert await found(store, tenant) == ["lasting", "young"]


async def test_nobody_sees_another_tenants(store: Store) -> None:
    item, other = await store.items.put(an_item(a_tenant())), a_tenant()
    for lost in (store.items.get, store.items.delete):
        with pytest.raises(ItemNotFound):
            await lost(other, NOTES, "colour", NOON)
    assert await found(store, other) == []
    assert await found(store, item.tenant) == ["colour"]


async def test_what_was_deleted_is_gone(store: Store) -> None:
    item = await store.items.put(an_item(a_tenant()))
    await store.items.delete(item.tenant, NOTES, "colour", NOON)
    with pytest.raises(ItemNotFound):
        await store.items.get(item.tenant, NOTES, "colour", NOON)


async def test_a_prefix_is_whole_names(store: Store) -> None:
    tenant = a_tenant()
    for key, namespace in {"a": ("x",), "b": ("x", "y"), "c": ("xy",), "d": ("x-y",), "e": ("x0",), "f": ("x", "yy")}.items():
        await store.items.put(an_item(tenant, key=key, namespace=namespace))

    assert await found(store, tenant, prefix=("x",)) == ["a", "b", "f"]
    assert await found(store, tenant, prefix=("x", "y")) == ["b"]


async def test_pages_go_through_all_in_order(store: Store) -> None:
    tenant = a_tenant()
    for key in ("Z", "a", "é", "☃", "b"):
        await store.items.put(an_item(tenant, key=key))

    for limit in (1, 2, 5):
        assert await found(store, tenant, limit=limit) == ["Z", "a", "b", "é", "☃"]
    for cursor in ("nonsense", pack(["a\0", "b"])):
        with pytest.raises(ValidationError):
            await store.items.search(tenant, ItemFilter(), NOON, 10, cursor)


@pytest.mark.parametrize(
    ("text", "keys"),
    [("ROLLS", ["dog"]), ("été  il", ["dog"]), ("100%", ["cat"]), ("name", []), ("_", []), ("cat dog", [])],
)
async def test_each_word_is_looked_for_in_the_texts_of_the_value(store: Store, text: str, keys: list[str]) -> None:
    tenant = a_tenant()
    await store.items.put(an_item(tenant, {"name": ["ÉTÉ", {"who": "il strolls"}]}, key="dog"))
    await store.items.put(an_item(tenant, "a cat, 100% sure", key="cat"))

    assert await found(store, tenant, text=text) == keys


@pytest.mark.parametrize(
    ("comparison", "operand", "keys"),
    [
        (Comparison.EQUAL, 1, ["one"]),
        (Comparison.UNEQUAL, 1, ["text", "true", "two"]),
        (Comparison.MORE, 1, ["two"]),
        (Comparison.AT_LEAST, 1, ["one", "two"]),
        (Comparison.LESS, 2, ["one"]),
        (Comparison.AT_MOST, "b", ["text"]),
    ],
)
async def test_conditions_compare_members(store: Store, comparison: Comparison, operand: Json, keys: list[str]) -> None:
    tenant = a_tenant()
    values: dict[str, Json] = {"one": 1, "two": 2.0, "true": True, "text": "a"}
    for key, value in values.items():
        await store.items.put(an_item(tenant, {"in": {"n": value}}, key=key))
    await store.items.put(an_item(tenant, "no member", key="other"))

    for limit in (1, 100):
        assert await found(store, tenant, Condition(("in", "n"), comparison, operand), limit=limit) == keys

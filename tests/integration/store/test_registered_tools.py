"""Tools that are data: each tenant's own, kept and replaced whole."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from domain.errors import ToolNotFound
from domain.ids import TenantId
from domain.registered import RegisteredTool
from infrastructure.store.store import Store

NOON = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
ACME, OTHERS = TenantId("acme"), TenantId("others")


def a_tool(name: str = "weather", tenant: TenantId = ACME, description: str = "What it is like.", hours: int = 0) -> RegisteredTool:
    at = NOON + timedelta(hours=hours)
    return RegisteredTool(tenant, name, {"name": name, "description": description, "tags": ["ü", None, 1.5]}, "ada", at, at)


async def test_what_is_put_is_found_as_it_was(store: Store) -> None:
    assert await store.registered.put(a_tool())

    assert await store.registered.of(ACME) == [a_tool()]


async def test_the_second_of_a_name_takes_the_place_of_the_first_and_keeps_its_birthday(store: Store, beside: Store) -> None:
    await store.registered.put(a_tool())
    assert not await beside.registered.put(a_tool(description="Better.", hours=1))

    (kept,) = await store.registered.of(ACME)
    assert (kept.document["description"], kept.created_at, kept.updated_at) == ("Better.", NOON, NOON + timedelta(hours=1))


async def test_many_are_put_as_one_and_the_new_ones_are_told(store: Store, beside: Store) -> None:
    await store.registered.put(a_tool("b"))
    fresh = await beside.registered.put_all([a_tool("c"), a_tool("b", description="Better.", hours=1), a_tool("a")])

    assert sorted(fresh) == ["a", "c"]
    assert [(tool.name, tool.document["description"]) for tool in await store.registered.of(ACME)][:2] == [
        ("a", "What it is like."),
        ("b", "Better."),
    ]


async def test_tools_are_listed_by_name_and_each_tenant_has_its_own(store: Store) -> None:
    for tool in (a_tool("b"), a_tool("a"), a_tool("B"), a_tool("a", OTHERS)):
        await store.registered.put(tool)

    assert [tool.name for tool in await store.registered.of(ACME)] == ["B", "a", "b"]
    assert [tool.name for tool in await store.registered.of(OTHERS)] == ["a"]
    assert list(await store.registered.of(TenantId("nobody"))) == []


async def test_those_of_some_names_are_found_by_name(store: Store) -> None:
    for tool in (a_tool("b"), a_tool("a"), a_tool("c"), a_tool("b", OTHERS)):
        await store.registered.put(tool)

    assert await store.registered.of(ACME, ["c", "b", "nobody"]) == [a_tool("b"), a_tool("c")]
    assert list(await store.registered.of(ACME, [])) == []


async def test_every_change_makes_another_revision_whatever_clock_it_was_made_by(store: Store, beside: Store) -> None:
    revisions = [await beside.registered.revision(ACME)]
    for tool in (a_tool("a", hours=3), a_tool("b", hours=2), a_tool("b", hours=1)):
        await store.registered.put(tool)
        revisions.append(await beside.registered.revision(ACME))
    await store.registered.put(a_tool("b", OTHERS))
    assert await beside.registered.revision(ACME) == revisions[-1]

    await store.registered.remove(ACME, "b")
    revisions.append(await beside.registered.revision(ACME))
    assert all(one != other for one, other in pairwise(revisions))
    assert [revision.count for revision in revisions] == [0, 1, 2, 2, 1]


async def test_it_is_known_when_each_was_changed_last(store: Store) -> None:
    for tool in (a_tool("a"), a_tool("b", hours=2), a_tool("c", OTHERS)):
        await store.registered.put(tool)

    assert await store.registered.stamps(ACME) == {"a": NOON, "b": NOON + timedelta(hours=2)}


async def test_what_is_removed_is_gone_for_its_tenant_alone(store: Store) -> None:
    await store.registered.put(a_tool())
    await store.registered.put(a_tool(tenant=OTHERS))
    await store.registered.remove(ACME, "weather")

    assert (len(await store.registered.of(ACME)), len(await store.registered.of(OTHERS))) == (0, 1)
    with pytest.raises(ToolNotFound, match="weather"):
        await store.registered.remove(ACME, "weather")

"""What every store promises about the audit trail: a chain for each tenant, without gaps, in which one edited row shows."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.audit import START, Checked, Deed, Head, ends_at, verify
from domain.errors import ValidationError
from domain.ids import TenantId
from domain.json import Json
from domain.ports.audit import DeedFilter
from infrastructure.store.store import Store
from tests.integration.store.builders import NOON, a_tenant

ANY = DeedFilter()


def a_deed(tenant: TenantId, number: int = 0, **told: object) -> Deed:
    about: dict[str, Json] = {"status": 200, "run": f"run-{number}", "sure": True, "of": None}
    made = Deed(tenant, NOON + timedelta(seconds=number, microseconds=7), "ann", "tool.call", f"tool-{number}", "allow", "r", "role", about)
    return replace(made, **told)  # type: ignore[arg-type]


async def checked(store: Store, tenant: TenantId) -> Checked:
    return ends_at(verify(await store.audit.read(tenant, 0, 1_000)), await store.audit.head(tenant))


async def deeds(store: Store, tenant: TenantId) -> list[Deed]:
    return [kept.record.deed for kept in await store.audit.read(tenant, 0, 1_000)]


async def test_deeds_come_back_as_they_were_and_only_to_their_tenant(store: Store) -> None:
    mine, theirs = a_tenant(), a_tenant()
    odd = a_deed(mine, 1, who="é ☃ \U0001f600", about={"ratio": 1e21, "é": [1.5, {"b": 1, "a": "\u2028"}], "big": -(2**52)})
    await store.audit.append([a_deed(mine), a_deed(theirs), odd])

    kept = await store.audit.read(mine, 0, 10)
    assert [one.record.number for one in kept] == [1, 2]
    assert [one.record.deed for one in kept] == [a_deed(mine), odd]
    assert await deeds(store, theirs) == [a_deed(theirs)]
    assert await checked(store, mine) == Checked(Head(2, kept[1].record.digest))
    assert await store.audit.head(a_tenant()) == START
    assert [one.record.number for one in await store.audit.read(mine, 1, 10)] == [2]
    assert len(await store.audit.read(mine, 0, 1)) == 1


async def test_what_no_store_takes_is_replaced_and_not_refused(store: Store) -> None:
    tenant = a_tenant()
    await store.audit.append([a_deed(tenant, who="a\0b"), a_deed(tenant, resource="\ud800"), a_deed(tenant, about={"huge": 2**70})])

    there = await deeds(store, tenant)
    assert [(one.who, one.resource) for one in there] == [("a\N{REPLACEMENT CHARACTER}b", "tool-0"), ("ann", "?"), ("ann", "tool-0")]
    assert there[2].about == {"about": f"{{'huge': {2**70}}}"}
    assert (await checked(store, tenant)).broken is None


async def test_two_processes_that_append_at_once_make_one_chain_without_gaps(store: Store, beside: Store) -> None:
    tenants = [a_tenant() for _ in range(3)]
    batches = [[a_deed(tenants[(number + n) % 3], number) for n in range(4)] for number in range(24)]
    await asyncio.gather(*((store, beside)[number % 2].audit.append(batch) for number, batch in enumerate(batches)))

    for tenant in tenants:
        found = await checked(beside, tenant)
        assert (found.broken, found.head.number) == (None, 32)
        assert sorted(await deeds(store, tenant), key=str) == sorted(
            (deed for batch in batches for deed in batch if deed.tenant == tenant), key=str
        )


async def test_the_list_is_filtered_and_paged_newest_first(store: Store) -> None:
    tenant = a_tenant()
    told = [
        a_deed(tenant, 0),
        a_deed(tenant, 1, who="bob", effect="deny"),
        a_deed(tenant, 2, action="key.create"),
        a_deed(tenant, 3, resource="other", effect="deny"),
    ]
    await store.audit.append([*told, a_deed(a_tenant(), 9)])

    page = await store.audit.list(tenant, ANY, 3, None)
    rest = await store.audit.list(tenant, ANY, 3, page.next_cursor)
    assert [one.deed for one in (*page.items, *rest.items)] == told[::-1]
    assert rest.next_cursor is None
    wanted = [
        (DeedFilter(who="bob"), [1]),
        (DeedFilter(action="key.create"), [2]),
        (DeedFilter(resource="other"), [3]),
        (DeedFilter(effect="deny"), [3, 1]),
        (DeedFilter(effect="deny", who="ann"), [3]),
        (DeedFilter(since=told[1].at, until=told[3].at), [2, 1]),
        (DeedFilter(who="nobody"), []),
    ]
    for asked, numbers in wanted:
        assert [one.deed for one in (await store.audit.list(tenant, asked, 9, None)).items] == [told[number] for number in numbers], asked
    for cursor in ("x", "WyJ4Il0", "WyI5OTk5OTk5OTk5OTk5OTk5OTk5Il0"):
        with pytest.raises(ValidationError):
            await store.audit.list(tenant, ANY, 3, cursor)

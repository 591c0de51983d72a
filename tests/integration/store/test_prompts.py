"""What every shelf of prompts promises."""

import asyncio
from dataclasses import replace

import pytest

from domain.errors import PromptNotFound, ValidationError
from domain.ids import ContentHash, TenantId
from domain.prompt import PromptVersion, Rollout
from infrastructure.store.store import Store
from tests.integration.store.builders import NOON, a_tenant


def a_prompt(tenant: TenantId, content: str = "a", name: str = "support/answer") -> PromptVersion:
    return PromptVersion(tenant, name, 0, ContentHash(content), {"prompt": name, "text": f"é {content}"}, "ada", NOON)


async def test_versions_are_numbered_in_the_order_they_come(store: Store, beside: Store) -> None:
    tenant = a_tenant()

    first, fresh = await store.prompts.publish(a_prompt(tenant, "a"))
    second, _ = await beside.prompts.publish(a_prompt(tenant, "b"))

    assert (first, fresh) == (replace(a_prompt(tenant, "a"), number=1), True)
    assert second.number == 2
    assert await store.prompts.get(tenant, "support/answer") == second
    assert await beside.prompts.get(tenant, "support/answer", 1) == first
    assert await store.prompts.versions(tenant, "support/answer") == [second, first]


async def test_the_same_content_again_is_the_same_version(store: Store) -> None:
    tenant = a_tenant()
    first, _ = await store.prompts.publish(a_prompt(tenant, "a"))
    await store.prompts.publish(a_prompt(tenant, "b"))

    assert await store.prompts.publish(replace(a_prompt(tenant, "a"), by="bob")) == (first, False)


async def test_of_many_at_once_each_content_gets_a_number_of_its_own(store: Store, beside: Store) -> None:
    tenant = a_tenant()
    contents = [f"{number // 2}" for number in range(12)]

    made = await asyncio.gather(
        *((beside if number % 2 else store).prompts.publish(a_prompt(tenant, content)) for number, content in enumerate(contents))
    )

    assert sorted(version.number for version, fresh in made if fresh) == [1, 2, 3, 4, 5, 6]
    assert {(version.hash, version.number) for version, fresh in made if not fresh} == {
        (version.hash, version.number) for version, fresh in made if fresh
    }


async def test_prompts_are_listed_by_name_with_their_newest_version(store: Store) -> None:
    tenant = a_tenant()
    for name in ("b", "a/x", "c"):
        await store.prompts.publish(a_prompt(tenant, "1", name))
    await store.prompts.publish(a_prompt(tenant, "2", "b"))
    await store.prompts.publish(a_prompt(a_tenant(), "1", "not-ours"))

    first = await store.prompts.list(tenant, 2, None)
    second = await store.prompts.list(tenant, 2, first.next_cursor)

    assert [(one.name, one.number) for one in first.items + second.items] == [("a/x", 1), ("b", 2), ("c", 1)]
    assert second.next_cursor is None


async def test_what_is_not_there_names_what_is(store: Store) -> None:
    tenant = a_tenant()
    await store.prompts.publish(a_prompt(tenant))

    with pytest.raises(PromptNotFound, match="no prompt other; known: support/answer"):
        await store.prompts.get(tenant, "other")
    with pytest.raises(PromptNotFound, match="no support/answer@7; known versions: 1"):
        await store.prompts.get(tenant, "support/answer", 7)
    with pytest.raises(PromptNotFound):
        await store.prompts.versions(a_tenant(), "support/answer")


async def test_a_rollout_is_replaced_by_the_next(store: Store, beside: Store) -> None:
    tenant = a_tenant()
    assert await store.prompts.rollout(tenant, "a") == Rollout()

    await store.prompts.roll_out(tenant, "a", Rollout({1: 90, 2: 10}))
    assert await beside.prompts.rollout(tenant, "a") == Rollout({1: 90, 2: 10})

    await beside.prompts.roll_out(tenant, "a", Rollout({2: 100}))
    assert await store.prompts.rollout(tenant, "a") == Rollout({2: 100})
    assert await store.prompts.rollout(a_tenant(), "a") == Rollout()


async def test_a_cursor_that_is_not_ours_is_refused(store: Store) -> None:
    with pytest.raises(ValidationError):
        await store.prompts.list(a_tenant(), 10, "nonsense")

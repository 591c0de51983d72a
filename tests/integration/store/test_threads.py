"""What every shelf of threads promises."""

from datetime import timedelta

import pytest

from domain.errors import ThreadNotFound, ValidationError
from domain.ids import Position, ThreadId
from infrastructure.store.store import Store
from tests.integration.store.builders import NOON, a_tenant, a_thread


async def test_a_thread_can_be_read_as_it_was_added_and_its_journal_is_empty(store: Store, beside: Store) -> None:
    thread = a_thread(a_tenant())

    await store.threads.add(thread)

    assert await store.threads.get(thread.tenant, thread.id) == thread
    assert await beside.threads.get(thread.tenant, thread.id) == thread
    assert await store.journal.end(thread.tenant, thread.id) == 0
    assert not await store.journal.read(thread.tenant, thread.id, Position(0))


async def test_another_tenants_thread_is_answered_exactly_like_an_unknown_one(store: Store) -> None:
    thread = a_thread(a_tenant())
    await store.threads.add(thread)

    with pytest.raises(ThreadNotFound) as hidden:
        await store.threads.get(a_tenant(), thread.id)
    with pytest.raises(ThreadNotFound) as missing:
        await store.threads.get(thread.tenant, ThreadId("nobody"))

    assert hidden.value.message.replace(thread.id, "?") == missing.value.message.replace("nobody", "?")


async def test_threads_are_listed_newest_first_in_pages(store: Store) -> None:
    tenant = a_tenant()
    threads = [a_thread(tenant, NOON + timedelta(seconds=second)) for second in (3, 1, 5, 2, 4)]
    for thread in [*threads, a_thread(a_tenant())]:
        await store.threads.add(thread)

    first = await store.threads.list(tenant, 3, None)
    second = await store.threads.list(tenant, 3, first.next_cursor)

    assert [thread.created_at.second for thread in (*first.items, *second.items)] == [5, 4, 3, 2, 1]
    assert (len(first.items), second.next_cursor) == (3, None)


async def test_a_cursor_that_is_not_ours_is_refused(store: Store) -> None:
    with pytest.raises(ValidationError):
        await store.threads.list(a_tenant(), 10, "nonsense")

"""What every keeper of idempotency marks promises."""

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import asyncpg
import pytest

from domain.errors import IdempotencyConflict
from domain.ids import TenantId
from domain.ports.repositories import IdempotencyMark, NewRun
from infrastructure.store.store import Store
from infrastructure.store.urls import is_sqlite, sqlite_path
from tests.integration.store.builders import ANN, LONG, a_run, a_tenant

A_DAY = timedelta(hours=24)
NOW = datetime.now(UTC)


def a_mark(key: str = "once", digest: str = "d" * 64, at: datetime = NOW) -> IdempotencyMark:
    return IdempotencyMark(key, digest, at)


async def keys_of(url: str, tenant: TenantId) -> Sequence[str]:
    """The keys that the database holds, whether or not their time is over."""
    if is_sqlite(url):
        with closing(sqlite3.connect(sqlite_path(url))) as file:
            return [row[0] for row in file.execute("SELECT key FROM idempotency WHERE tenant = ? ORDER BY key", (tenant,))]
    connection = await asyncpg.connect(url)
    try:
        return [row[0] for row in await connection.fetch("SELECT key FROM idempotency WHERE tenant = $1 ORDER BY key", tenant)]
    finally:
        await connection.close()


async def test_who_takes_a_key_first_gives_it_its_subject(store: Store, beside: Store) -> None:
    tenant = a_tenant()

    assert await store.marks.known(tenant, a_mark()) is None
    assert await store.marks.take(tenant, a_mark(), "first") == "first"
    assert await store.marks.take(tenant, a_mark(), "second") == "first"
    assert await beside.marks.take(tenant, a_mark(), "third") == "first"
    assert await beside.marks.known(tenant, a_mark()) == "first"


async def test_of_fifty_who_take_one_key_at_once_all_get_one_subject(store: Store, beside: Store) -> None:
    tenant = a_tenant()

    told = await asyncio.gather(*((store, beside)[n % 2].marks.take(tenant, a_mark(), f"subject {n}") for n in range(50)))

    assert len(set(told)) == 1
    assert await store.marks.known(tenant, a_mark()) == told[0]


async def test_another_digest_is_a_conflict_that_changes_nothing(store: Store) -> None:
    tenant = a_tenant()
    await store.marks.take(tenant, a_mark(), "first")
    other = a_mark(digest="e" * 64)

    with pytest.raises(IdempotencyConflict, match="once"):
        await store.marks.take(tenant, other, "second")
    with pytest.raises(IdempotencyConflict):
        await store.marks.known(tenant, other)

    assert await store.marks.take(tenant, a_mark(), "third") == "first"


async def test_a_key_means_nothing_to_another_tenant(store: Store) -> None:
    await store.marks.take(a_tenant(), a_mark(), "mine")
    stranger = a_tenant()

    assert await store.marks.known(stranger, a_mark(digest="e" * 64)) is None
    assert await store.marks.take(stranger, a_mark(digest="e" * 64), "theirs") == "theirs"


async def test_a_mark_holds_for_24_hours_and_is_free_afterwards(store: Store) -> None:
    tenant = a_tenant()
    await store.marks.take(tenant, a_mark(), "first")
    late, later = a_mark(at=NOW + A_DAY - timedelta(seconds=1)), a_mark(digest="e" * 64, at=NOW + A_DAY)

    assert await store.marks.take(tenant, late, "second") == "first"
    assert await store.marks.known(tenant, later) is None
    assert await store.marks.take(tenant, later, "third") == "third"
    assert await store.marks.take(tenant, later, "fourth") == "third"


async def test_taking_a_key_again_does_not_make_its_day_longer(store: Store) -> None:
    tenant = a_tenant()
    await store.marks.take(tenant, a_mark(), "first")
    await store.marks.take(tenant, a_mark(at=NOW + A_DAY / 2), "second")

    assert await store.marks.take(tenant, a_mark(at=NOW + A_DAY), "third") == "third"


async def test_an_empty_subject_is_settled_once_and_the_first_word_stands(store: Store, beside: Store) -> None:
    tenant = a_tenant()
    assert await store.marks.take(tenant, a_mark(), "") == ""
    assert await store.marks.known(tenant, a_mark()) == ""

    told = await asyncio.gather(*((store, beside)[n % 2].marks.settle(tenant, a_mark(), f"word {n}") for n in range(10)))

    assert len(set(told)) == 1
    assert await store.marks.settle(tenant, a_mark(), "too late") == told[0]
    assert await beside.marks.take(tenant, a_mark(), "") == told[0]


async def test_a_subject_that_was_there_from_the_start_is_not_settled_over(store: Store) -> None:
    tenant = a_tenant()
    await store.marks.take(tenant, a_mark(), "first")

    assert await store.marks.settle(tenant, a_mark(), "second") == "first"


async def test_settling_what_another_request_took_meanwhile_leaves_it_alone(store: Store) -> None:
    tenant = a_tenant()
    await store.marks.take(tenant, a_mark(), "")
    await store.marks.take(tenant, a_mark(digest="e" * 64, at=NOW + A_DAY), "")

    await store.marks.settle(tenant, a_mark(), "of the first")

    assert await store.marks.take(tenant, a_mark(digest="e" * 64, at=NOW + A_DAY), "") == ""


async def test_the_mark_of_a_run_knows_the_run(store: Store, beside: Store) -> None:
    run = a_run()
    await store.runs.start(NewRun(run, mark=a_mark()))

    assert await beside.marks.known(run.tenant, a_mark()) == run.id
    assert await store.marks.take(run.tenant, a_mark(), "something") == run.id


async def test_a_start_with_the_key_of_something_else_is_a_conflict_that_starts_nothing(store: Store) -> None:
    run = a_run()
    await store.marks.take(run.tenant, a_mark(digest="e" * 64), "a thread")

    with pytest.raises(IdempotencyConflict):
        await store.runs.start(NewRun(run, mark=a_mark()))

    assert await store.marks.known(run.tenant, a_mark(digest="e" * 64)) == "a thread"
    assert not await store.queue.claim(ANN, 10, LONG)


@pytest.mark.parametrize("backend", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
@pytest.mark.parametrize("kind", ["of requests", "of runs"])
async def test_marks_whose_time_is_over_go_faster_than_new_ones_come_but_never_many_at_once(url: str, store: Store, kind: str) -> None:
    tenant = a_tenant()

    async def take(number: int, at: datetime) -> int:
        """How many marks there are afterwards."""
        if kind == "of requests":
            await store.marks.take(tenant, a_mark(f"{number:04}", at=at), "subject")
        else:
            await store.runs.start(NewRun(a_run(tenant), mark=a_mark(f"{number:04}", at=at)))
        return len(await keys_of(url, tenant))

    before = max(await asyncio.gather(*(take(number, NOW - A_DAY - timedelta(seconds=1)) for number in range(150))))
    left = [before, *[await take(number, NOW) for number in range(1000, 1040)]]

    assert before == 150
    assert max(earlier - later for earlier, later in pairwise(left)) == 100 - 1, "one came while a hundred went"
    assert await keys_of(url, tenant) == [f"{number:04}" for number in range(1000, 1040)]

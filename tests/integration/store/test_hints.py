"""Wake-ups: heard where somebody listens, in other processes too, and never needed."""

import asyncio
from contextlib import AbstractAsyncContextManager

import asyncpg
import pytest

from domain.ports.hints import INBOX, QUEUE, Hints
from domain.ports.repositories import NewRun
from infrastructure.clock import SystemClock
from infrastructure.store.bells import Bells
from infrastructure.store.open import open_store
from infrastructure.store.postgres.hints import SILENCE_SECONDS, open_hints
from infrastructure.store.store import Store
from tests.integration.store.builders import ANN, LONG, a_run, graph_of, started

on_postgres = pytest.mark.parametrize("backend", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)


async def is_heard(hints: Hints, topic: str) -> bool:
    """Is the topic rung in time? A ring from before counts."""
    began = asyncio.get_running_loop().time()
    await hints.heard(topic, 20)
    return asyncio.get_running_loop().time() - began < 20


async def test_a_ring_before_anybody_listens_is_heard() -> None:
    hints = Bells()

    hints.ring(QUEUE)
    hints.ring(QUEUE)

    assert await is_heard(hints, QUEUE)
    began = SystemClock().monotonic()
    await hints.heard(QUEUE, 0.01)
    assert SystemClock().monotonic() - began >= 0.01, "many rings are one"


async def test_topics_are_apart() -> None:
    hints = Bells()
    hints.ring(INBOX)

    began = SystemClock().monotonic()
    await hints.heard(QUEUE, 0.01)

    assert SystemClock().monotonic() - began >= 0.01
    assert await is_heard(hints, INBOX)


@on_postgres
@pytest.mark.parametrize("topic", [QUEUE, INBOX])
async def test_another_process_hears_it(url: str, topic: str) -> None:
    async with open_hints(url) as here, open_hints(url) as there:
        await connected(url, 2)
        for hints in (here, there):
            await hints.heard(topic, 1)  # what was rung when they connected
        here.ring(topic)

        assert await is_heard(there, topic)


@on_postgres
async def test_a_start_wakes_a_worker_of_another_process(store: Store, beside: Store, url: str) -> None:
    await connected(url, 2)
    for one in (store, beside):
        await one.queue.woken(0.2)
    listening = asyncio.create_task(beside.queue.woken(20))
    began = asyncio.get_running_loop().time()

    await started(store)

    await listening
    assert asyncio.get_running_loop().time() - began < 10
    assert await beside.queue.claim(ANN, 1, LONG)


@on_postgres
async def test_a_listener_whose_connection_is_cut_comes_back_and_looks(url: str) -> None:
    async with open_hints(url) as here, open_hints(url) as there:
        before = await connected(url, 2)
        await there.heard(QUEUE, 1)
        async with asyncio.timeout(SILENCE_SECONDS / 2):  # nobody asks the connection before
            await cut(url)
            after = await connected(url, 2)
        assert not before & after

        assert await is_heard(there, QUEUE)  # something may have happened meanwhile
        here.ring(QUEUE)
        assert await is_heard(there, QUEUE)


@on_postgres
async def test_many_rings_are_few_notifications(url: str) -> None:
    told, first = [], asyncio.Event()

    def hear(*news: object) -> None:
        told.append(news)
        first.set()

    listener = await asyncpg.connect(url)
    await listener.add_listener("weft_queue", hear)
    async with open_hints(url) as hints:
        await connected(url, 1)
        for _ in range(2_000):
            hints.ring(QUEUE)
            await asyncio.sleep(0)
        async with asyncio.timeout(20):
            await first.wait()
    await listener.close()

    assert len(told) < 200


@on_postgres
async def test_with_every_hint_dropped_a_run_is_found_by_looking(url: str) -> None:
    """Nothing but time is lost: who looks every poll interval finds it."""
    async with deaf_store(url) as here, deaf_store(url) as there:
        run = a_run()
        await here.runs.start(NewRun(run))

        await there.queue.woken(0.05)

        assert [claim.run.id for claim in await there.queue.claim(ANN, 1, LONG)] == [run.id]


class Silence:
    """Drops every hint."""

    def ring(self, topic: str) -> None:
        pass

    async def heard(self, topic: str, timeout: float) -> None:
        await asyncio.sleep(timeout)


def deaf_store(url: str) -> AbstractAsyncContextManager[Store]:
    return open_store(url, parse=graph_of, clock=SystemClock(), on_committed=lambda *_: None, hints=Silence())


async def connected(url: str, count: int) -> set[int]:
    """The server processes of so many listeners, once they are there."""
    connection = await asyncpg.connect(url)
    try:
        async with asyncio.timeout(20):
            while len(found := await listeners(connection)) != count:
                await connection.fetchval("SELECT pg_sleep(0.02)")
        return found
    finally:
        await connection.close()


async def listeners(connection: asyncpg.Connection) -> set[int]:
    asked = """SELECT pid FROM pg_stat_activity WHERE application_name = 'weft-hints' AND datname = current_database()
        AND state = 'idle' AND query ~ 'weft_inbox|pg_notify|SELECT 1'"""
    return {row[0] for row in await connection.fetch(asked)}


async def cut(url: str) -> None:
    connection = await asyncpg.connect(url)
    for pid in await listeners(connection):
        await connection.fetchval("SELECT pg_terminate_backend($1)", pid)
    await connection.close()

"""A process has no more connections to PostgreSQL than its owner allows, and says so when it waited for one in vain."""

import asyncio

import asyncpg
import pytest

from domain.errors import DatabaseError
from domain.ids import DEFAULT_TENANT
from domain.ports.repositories import RunFilter
from infrastructure.clock import SystemClock
from infrastructure.store.connections import Connections
from infrastructure.store.open import open_store
from infrastructure.store.postgres.connections import open_pool
from tests.integration.store.builders import graph_of

pytestmark = pytest.mark.postgres
_OURS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND state IS NOT NULL"


@pytest.mark.parametrize("most", [4, 5, 14, 100])
def test_all_shares_together_are_what_is_allowed(most: int) -> None:
    connections = Connections(most)

    assert (connections.hot + connections.cold, min(connections.hot, connections.cold) > 0) == (most - 2, True)


async def test_a_busy_store_has_no_more_connections_than_it_may(postgres_dsn: str) -> None:
    beside = await asyncpg.connect(postgres_dsn)
    before = await beside.fetchval(_OURS)
    try:
        async with open_store(
            postgres_dsn, parse=graph_of, clock=SystemClock(), on_committed=lambda *_: None, connections=Connections(4)
        ) as store:
            depths = [store.queue.depth() for _ in range(30)]
            lists = [store.runs.list(DEFAULT_TENANT, RunFilter(), 10, None) for _ in range(30)]
            await asyncio.gather(*depths, *lists)

            assert 2 <= await beside.fetchval(_OURS) - before <= 4
    finally:
        await beside.close()


async def test_who_waits_too_long_for_a_free_connection_is_told_so(postgres_dsn: str) -> None:
    async with open_pool(postgres_dsn, Connections(4, wait_seconds=0.05)) as reader:
        answers = await asyncio.gather(*(reader.rows("SELECT pg_sleep(1)") for _ in range(2)), return_exceptions=True)

    (refused,) = [answer for answer in answers if isinstance(answer, Exception)]
    assert isinstance(refused, DatabaseError)
    assert "none of the 1 connections to PostgreSQL was free for 0.05 s" in refused.message

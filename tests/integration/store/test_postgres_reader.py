"""How PostgreSQL is read: who shares an answer with whom, and that connections need no cleaning between readers."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from domain.errors import DatabaseError
from infrastructure.store.postgres.connections import PostgresReader, open_pool

pytestmark = pytest.mark.postgres
_COUNT_BEHIND_THE_GATE = """WITH gate AS MATERIALIZED (SELECT pg_advisory_xact_lock_shared(77))
    SELECT (SELECT count(*) FROM templates WHERE tenant = $1) FROM gate"""
_WAITING = """SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
    WHERE d.datname = current_database() AND l.locktype = 'advisory' AND l.objid = 77 AND NOT l.granted"""
_ADD = "INSERT INTO templates (tenant, name, description, body, created_at) VALUES ($1, $2, '', '', 0)"


@pytest.fixture
async def reader(postgres_dsn: str) -> AsyncIterator[PostgresReader]:
    async with open_pool(postgres_dsn) as opened:
        yield opened


@pytest.fixture
async def gatekeeper(postgres_dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """Another connection, that holds the gate until it is told to open it."""
    connection = await asyncpg.connect(postgres_dsn)
    await connection.execute("SELECT pg_advisory_lock(77)")
    try:
        yield connection
    finally:
        await connection.close()


async def test_who_asks_while_the_same_question_is_on_its_way_gets_an_answer_of_his_own(
    reader: PostgresReader, gatekeeper: asyncpg.Connection
) -> None:
    early = asyncio.create_task(reader.few(_COUNT_BEHIND_THE_GATE, "of his own"))
    async with asyncio.timeout(10):
        while not await gatekeeper.fetchval(_WAITING):
            pass
    await gatekeeper.execute(_ADD, "of his own", "added meanwhile")

    late = asyncio.create_task(reader.few(_COUNT_BEHIND_THE_GATE, "of his own"))
    await gatekeeper.fetchval("SELECT 1")  # by now the second has asked as well
    await gatekeeper.execute("SELECT pg_advisory_unlock(77)")

    assert [(await asking)[0][0] for asking in (early, late)] == [0, 1]


async def test_those_who_ask_the_same_at_one_moment_share_one_answer(reader: PostgresReader) -> None:
    answers = await asyncio.gather(*(reader.few("SELECT clock_timestamp(), $1::text", name) for name in "aaabbb"))

    assert len({answer[0][0] for answer in answers}) == 2
    assert [answer[0][1] for answer in answers] == list("aaabbb")


async def test_all_who_share_a_question_hear_of_its_failure_and_the_next_one_is_asked_anew(reader: PostgresReader) -> None:
    failed = await asyncio.gather(*(reader.few("SELECT 1 / $1::int", 0) for _ in range(3)), return_exceptions=True)

    assert [type(error) for error in failed] == [DatabaseError] * 3
    with pytest.raises(DatabaseError):
        await reader.few("SELECT 1 / $1::int", 0)
    assert (await reader.few("SELECT 1 / $1::int", 1))[0][0] == 1


async def test_a_connection_that_failed_serves_the_next_reader(reader: PostgresReader) -> None:
    for _ in range(20):
        with pytest.raises(DatabaseError):
            await reader.rows("SELECT nonsense")
        assert (await reader.rows("SELECT 1"))[0][0] == 1

"""Connections to PostgreSQL, and what their errors mean. No error of the driver leaves this folder."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

from domain.errors import DatabaseError
from infrastructure.store.connections import USUAL, Connections
from infrastructure.store.reader import Dialect
from infrastructure.store.rows import Row
from infrastructure.store.shape import is_of_another_shape, unusable

POSTGRES: Final = Dialect(
    now="extract(epoch FROM statement_timestamp())::float8", members="(SELECT unnest({}::text[]))", text="convert_from({}, 'UTF8')"
)
COMMAND_SECONDS: Final = 30.0
CONNECT_SECONDS: Final = 5.0
LOST: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
"""The answer did not come: what was asked may have happened."""
REFUSED: Final = (asyncpg.PostgresError, asyncpg.InterfaceError)
"""The answer is no: nothing happened. (`LOST` goes first: some of it is a `PostgresError` too.)"""
TRY_AGAIN: Final = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)

# Batches are lists of any length, which the planner takes for short ones: without these it would compare each with each.
# And they are the same few statements again and again: one plan for whatever values, made once and not for each of the first five.
_WRITER_SETTINGS = {
    "application_name": "weft-writer",
    "enable_nestloop": "off",
    "enable_seqscan": "off",
    "jit": "off",
    "plan_cache_mode": "force_generic_plan",
}
# Claims and reads go by keys. The queue changes faster than its statistics: without these a claim would sort all that waits to take a few.
_POOL_SETTINGS = {
    "application_name": "weft",
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "enable_sort": "off",
    "jit": "off",
    "plan_cache_mode": "force_generic_plan",
}


def no_answer(error: BaseException) -> DatabaseError:
    return DatabaseError(f"PostgreSQL does not answer: {str(error) or type(error).__name__}")


def refusal(error: BaseException) -> DatabaseError:
    return unusable("the database", error) if is_of_another_shape(error) else DatabaseError(f"PostgreSQL refused: {error}")


class WriterConnection:
    """One connection for one writer, made when it is needed and made again when it was lost."""

    def __init__(self, dsn: str, command_seconds: float = COMMAND_SECONDS) -> None:
        self._dsn, self._command_seconds = dsn, command_seconds
        self._connection: asyncpg.Connection | None = None

    async def rows(self, statement: str, *values: object) -> Sequence[Row]:
        """One statement, one transaction: durable when this returns. Raises the driver's errors; after a `LOST` the next one connects."""
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(
                self._dsn, timeout=CONNECT_SECONDS, command_timeout=self._command_seconds, server_settings=_WRITER_SETTINGS
            )
        try:
            rows: Sequence[Row] = await self._connection.fetch(statement, *values)
        except LOST:
            self._connection.terminate()
            raise
        return rows

    async def close(self) -> None:
        if self._connection is not None and not self._connection.is_closed():
            await self._connection.close(timeout=CONNECT_SECONDS)


class PostgresReader:
    """A pool for everything that is not a batch. `DatabaseError` when none is free in time."""

    dialect = POSTGRES

    def __init__(self, pool: asyncpg.Pool, connections: Connections) -> None:
        self._pool, self._connections = pool, connections
        self._about_to: dict[tuple[object, ...], asyncio.Task[Sequence[Row]]] = {}

    async def rows(self, statement: str, *values: object) -> Sequence[Row]:
        """One statement, one transaction."""
        connection = await self._acquired()
        try:
            found: Sequence[Row] = await connection.fetch(statement, *values)
        except LOST as error:
            raise no_answer(error) from error
        except REFUSED as error:
            raise refusal(error) from error
        finally:
            await self._pool.release(connection)
        return found

    async def few(self, statement: str, *values: object) -> Sequence[Row]:
        """Those who ask the same before the statement is on its way share one answer; who asks later gets one of his own, that knows
        everything committed until then."""
        asked = (statement, *values)
        task = self._about_to.get(asked)
        if task is None:
            task = self._about_to[asked] = asyncio.create_task(self._ask(asked))
        return await asyncio.shield(task)

    async def _ask(self, asked: tuple[object, ...]) -> Sequence[Row]:
        del self._about_to[asked]
        statement, *values = asked
        return await self.rows(str(statement), *values)

    def members(self, values: Sequence[str]) -> object:
        return list(values)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[asyncpg.Connection]:
        """Several statements that become visible together, on one connection."""
        connection = await self._acquired()
        try:
            async with connection.transaction():
                yield connection
        except LOST as error:
            raise no_answer(error) from error
        except REFUSED as error:
            raise refusal(error) from error
        finally:
            await self._pool.release(connection)

    async def _acquired(self) -> asyncpg.Connection:
        try:
            return await self._pool.acquire(timeout=self._connections.wait_seconds)
        except TimeoutError as error:
            waited = f"{self._connections.wait_seconds:g} s"
            raise DatabaseError(
                f"none of the {self._connections.hot} connections to PostgreSQL was free for {waited}: try again later"
            ) from error
        except (*LOST, *REFUSED) as error:
            raise no_answer(error) from error


class _Stateless(asyncpg.Connection):  # type: ignore[misc]  # asyncpg brings no types
    """Nothing of a session outlives a statement here, so giving a connection back to the pool asks nothing of the server."""

    def get_reset_query(self) -> str:
        return ""


@asynccontextmanager
async def open_pool(dsn: str, connections: Connections = USUAL) -> AsyncIterator[PostgresReader]:
    try:
        pool = await asyncpg.create_pool(
            dsn,
            min_size=1,
            max_size=connections.hot,
            timeout=CONNECT_SECONDS,
            command_timeout=COMMAND_SECONDS,
            server_settings=_POOL_SETTINGS,
            connection_class=_Stateless,
        )
    except (*LOST, *REFUSED) as error:
        raise no_answer(error) from error
    try:
        yield PostgresReader(pool, connections)
    finally:
        await pool.close()

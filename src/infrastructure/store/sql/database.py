"""SQLAlchemy's way to both databases, for everything that is not hot. Imported when it is first needed: it takes half a second."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeAlias

from sqlalchemy import Executable, Table, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from domain.errors import DatabaseError, RepositoryError
from infrastructure.store.connections import Connections
from infrastructure.store.rows import Row
from infrastructure.store.shape import is_of_another_shape, unusable
from infrastructure.store.urls import driver_dsn, is_sqlite, sqlite_path

Upsert: TypeAlias = postgresql.Insert | sqlite.Insert
"""An `INSERT` that knows `ON CONFLICT`, which both databases spell alike."""


class Database:
    """Statements in, plain tuples out. Raises `DatabaseError` and its kind only."""

    def __init__(self, url: str, connections: Connections) -> None:
        self._connections = connections
        self._engine = _engine(url, connections)
        self._insert = sqlite.insert if is_sqlite(url) else postgresql.insert

    def insert(self, table: Table) -> Upsert:
        """An `Upsert` into this table, in the database's own dialect."""
        return self._insert(table)

    async def rows(self, statement: Executable) -> Sequence[Row]:
        """Runs it as one transaction; what it returned, nothing for a statement that returns no rows."""
        async with self.transaction() as connection:
            result = await connection.execute(statement)
            return result.all() if result.returns_rows else ()

    async def change(self, statement: Executable) -> int:
        """Runs it as one transaction; how many rows it inserted, updated or deleted."""
        async with self.transaction() as connection:
            return (await connection.execute(statement)).rowcount

    async def close(self) -> None:
        await self._engine.dispose()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Several statements that become visible together."""
        try:
            async with self._engine.begin() as connection:
                yield connection
        except PoolTimeout as error:
            waited = f"{self._connections.wait_seconds:g} s"
            raise DatabaseError(
                f"none of the {self._connections.cold} connections to the database was free for {waited}: try again later"
            ) from error
        except DBAPIError as error:
            if error.orig is not None and is_of_another_shape(error.orig):
                raise unusable("the database", error.orig) from error
            raise RepositoryError(f"the database refused: {error.orig}") from error
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            raise DatabaseError(f"the database does not answer: {error}") from error


def _engine(url: str, connections: Connections) -> AsyncEngine:
    create = partial(create_async_engine, pool_size=connections.cold, max_overflow=0, pool_timeout=connections.wait_seconds)
    if not is_sqlite(url):
        return create(driver_dsn(url).replace("postgresql://", "postgresql+asyncpg://", 1), pool_pre_ping=True)
    engine = create(f"sqlite+aiosqlite:///{sqlite_path(url)}", connect_args={"timeout": 10})
    event.listen(engine.sync_engine, "connect", _settle)
    return engine


def _settle(connection: DBAPIConnection, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()

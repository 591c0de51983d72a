"""`store`: each test runs over memory, SQLite and PostgreSQL, on an empty store."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TypeAlias

import asyncpg
import pytest

from infrastructure.clock import SystemClock
from infrastructure.store.migrate import upgrade
from infrastructure.store.open import open_store
from infrastructure.store.store import Store
from tests.integration.store.builders import graph_of

OpenAgain: TypeAlias = Callable[[], AbstractAsyncContextManager[Store]]
MEMORY = "memory:"
_EMPTY = "SELECT string_agg(quote_ident(tablename), ', ') FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty, migrated database of this test is."""
    if backend == "memory":
        return MEMORY
    if backend == "sqlite":
        return f"sqlite:///{shutil.copy(request.getfixturevalue('migrated_sqlite'), tmp_path / 'store.db')}"
    dsn = str(request.getfixturevalue("emptied_postgres"))
    asyncio.run(emptied(dsn))
    return dsn


@pytest.fixture
def committed() -> list[int]:
    """How many rows each commit wrote, as the store told its listener."""
    return []


@pytest.fixture
def open_again(url: str, committed: list[int]) -> OpenAgain:
    return lambda: open_store(url, parse=graph_of, clock=SystemClock(), on_committed=lambda rows, _seconds: committed.append(rows))


@pytest.fixture
async def store(open_again: OpenAgain) -> AsyncIterator[Store]:
    async with open_again() as opened:
        yield opened


@pytest.fixture
async def beside(backend: str, store: Store, open_again: OpenAgain) -> AsyncIterator[Store]:
    """The same database as `store`, opened once more as another process would; memory has no outside and is `store` itself."""
    if backend == "memory":
        yield store
        return
    async with open_again() as opened:
        yield opened


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def emptied_postgres(new_postgres_database: Callable[[], str]) -> str:
    """One database for these suites alone: a claim sees the runs of everybody."""
    return new_postgres_database()


async def emptied(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(f"TRUNCATE {await connection.fetchval(_EMPTY)}")
    finally:
        await connection.close()

"""Bringing a database to the schema of this version. Alembic is imported only where there is something to do.

`upgrade` waits for whoever is upgrading the same database at that moment, and then finds nothing left to do.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from domain.errors import DatabaseError, DatabaseUnusable
from infrastructure.store.urls import driver_dsn, is_sqlite, sqlite_path

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

HEAD: Final = "0013"
SNAPSHOT: Final = Path(__file__).parent / "migrations" / "sqlite.sql"
KNOWN: Final = frozenset(f"{number:04}" for number in range(1, int(HEAD) + 1))
"""Every revision that this version can upgrade from."""
_OURS: Final = ("alembic_version", "heads", "journal", "runs", "queue")
_HAS_TABLES: Final = f"SELECT count(*) FROM {{catalog}} WHERE {{name}} IN {_OURS}"  # noqa: S608 - names of ours
_VERSION: Final = "SELECT version_num FROM alembic_version"
_UPGRADE_LOCK: Final = 0x77656674  # "weft"


def upgrade(url: str) -> None:
    """To `HEAD`, from wherever it is. `DatabaseError` for a database of a newer version, and for one with tables but no version.

    Not to be called on an event loop.
    """
    _move(url, HEAD)


def downgrade(url: str, revision: str = "base") -> None:
    """Back to an older revision; `base` leaves no table of ours. What the tables held is gone."""
    _move(url, revision)


def current(url: str) -> str | None:
    """The revision the database is at; None when it is empty. `DatabaseUnusable` when only a part of a schema is there."""
    tables, versions = _look(url)
    if not tables:
        return None
    if len(versions) != 1:
        if tables == 1 and not versions:
            return None  # alembic leaves its empty table behind when everything is undone
        raise DatabaseUnusable(
            "the database has tables of Weft but no version: it was upgraded half-way; restore it from a backup, or use an empty one"
        )
    if tables < len(_OURS):
        raise DatabaseUnusable(
            f"tables of Weft are gone from the database (of {', '.join(_OURS)} there are {tables}): restore it from a backup, or use an "
            "empty one"
        )
    return versions[0]


def needs_upgrade(url: str) -> bool:
    """`DatabaseUnusable` when this version cannot work with it."""
    found = current(url)
    if found is not None and found not in KNOWN:
        raise DatabaseUnusable(
            f"the database is at revision {found}, which this version of Weft does not know: update Weft, or use another database"
        )
    return found != HEAD


def _look(url: str) -> tuple[int, list[str]]:
    """How many of our tables are there, and what the version table says."""
    return _look_at_file(sqlite_path(url)) if is_sqlite(url) else asyncio.run(look_at_server(driver_dsn(url)))


def _look_at_file(path: Path) -> tuple[int, list[str]]:
    if not path.exists():
        return 0, []
    try:
        with closing(sqlite3.connect(path, timeout=10)) as connection:
            (tables,) = connection.execute(_HAS_TABLES.format(catalog="sqlite_master", name="name")).fetchone()
            has_version = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
            return tables, [row[0] for row in connection.execute(_VERSION)] if has_version else []
    except sqlite3.Error as error:
        raise DatabaseError(f"{path} cannot be used: {error}") from error


async def look_at_server(dsn: str) -> tuple[int, list[str]]:
    """The same of a PostgreSQL server."""
    import asyncpg

    try:
        connection = await asyncpg.connect(dsn, timeout=10)
        try:
            tables = await connection.fetchval(_HAS_TABLES.format(catalog="pg_tables", name="schemaname = current_schema() AND tablename"))
            has_version = await connection.fetchval("SELECT to_regclass('alembic_version') IS NOT NULL")
            return tables, [row[0] for row in await connection.fetch(_VERSION)] if has_version else []
        finally:
            await connection.close()
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
        raise DatabaseError(f"PostgreSQL does not answer: {error}") from error


def _move(url: str, revision: str) -> None:
    if revision == HEAD and not needs_upgrade(url):
        return
    if revision == HEAD and is_sqlite(url) and _create_file(sqlite_path(url)):
        return
    from alembic import command
    from sqlalchemy.exc import SQLAlchemyError

    step: Callable[[Config, str], None] = command.upgrade if revision == HEAD else command.downgrade
    try:
        if is_sqlite(url):
            _on_sqlite(url, step, revision)
        else:
            asyncio.run(_on_postgres(url, step, revision))
    except (SQLAlchemyError, OSError) as error:
        raise DatabaseError(f"the database could not be brought to revision {revision}: {error}") from error


def schema_of(path: Path) -> str:
    """The statements that make an empty SQLite file what this one is, its version included."""
    with closing(sqlite3.connect(path)) as connection:
        made = connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name <> 'sqlite_sequence' ORDER BY rowid")
        statements = [*(row[0].strip() for row in made), f"INSERT INTO alembic_version VALUES ('{HEAD}')"]  # noqa: S608 - ours
    return "".join(f"{statement};\n\n" for statement in statements)


def _create_file(path: Path) -> bool:
    """Makes a new SQLite file at `HEAD` from a snapshot of what the revisions make, 0.6 s quicker. False when it has tables already."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseError(f"{path} cannot be made: {error.strerror or error}") from error
    try:
        with closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            if connection.execute("SELECT 1 FROM sqlite_master").fetchone():
                return False
            for statement in SNAPSHOT.read_text().split(";\n\n"):
                connection.execute(statement)
            connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise DatabaseError(f"{path} cannot be used: {error}") from error
    return True


def _on_sqlite(url: str, step: "Callable[[Config, str], None]", revision: str) -> None:
    from sqlalchemy import create_engine, event
    from sqlalchemy.pool import NullPool

    path = sqlite_path(url)
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool, connect_args={"timeout": 60, "isolation_level": None})
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    with engine.begin() as connection:
        step(_config(connection), revision)


async def _on_postgres(url: str, step: "Callable[[Config, str], None]", revision: str) -> None:
    from sqlalchemy import text
    from sqlalchemy.ext.asyncio import create_async_engine
    from sqlalchemy.pool import NullPool

    engine = create_async_engine(driver_dsn(url).replace("postgresql://", "postgresql+asyncpg://", 1), poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _UPGRADE_LOCK})
        await connection.run_sync(lambda inner: step(_config(inner), revision))
    await engine.dispose()


def _config(connection: "Connection") -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config

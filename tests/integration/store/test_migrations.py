"""The schema comes up from nothing, goes back, and is what the tables say."""

import asyncio
import shutil
import sqlite3
import subprocess
import sys
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import SAWarning
from sqlalchemy.ext.asyncio import create_async_engine

from domain.errors import DatabaseError
from domain.ids import TenantId
from domain.tally import Aspect, Spent, UsageFilter
from domain.usage import Money
from infrastructure.clock import SystemClock
from infrastructure.store import columns
from infrastructure.store.migrate import HEAD, SNAPSHOT, current, downgrade, schema_of, upgrade
from infrastructure.store.open import open_store
from tests.integration.store.builders import graph_of

BOTH = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
SRC = str(Path(__file__).resolve().parents[3] / "src")


@pytest.fixture(params=BOTH)
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of this test's own, with nothing in it."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'new' / 'weft.db'}"
    dsn = str(request.getfixturevalue("new_postgres_database")())
    downgrade(dsn)
    return dsn


def execute(url: str, *statements: str) -> None:
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            for statement in statements:
                connection.execute(statement)
            connection.commit()
    else:
        asyncio.run(_execute(url, statements))


async def _execute(url: str, statements: tuple[str, ...]) -> None:
    connection = await asyncpg.connect(url)
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


def differences(url: str) -> list[Any]:
    """What Alembic would change to make the database what the tables say."""

    def compare(connection: Connection) -> list[Any]:
        for file in Path(columns.__file__).parent.glob("*tables.py"):  # each adds its own to the metadata
            import_module(f"infrastructure.store.{file.stem}")
        # Of an index over an expression SQLite tells nothing: the snapshot below is what shows it there.
        warnings.filterwarnings("ignore", "Skipped unsupported reflection", SAWarning)
        return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), columns.metadata))

    async def on_server() -> list[Any]:
        engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"))
        async with engine.connect() as connection:
            found = await connection.run_sync(compare)
        await engine.dispose()
        return found

    if not url.startswith("sqlite"):
        return asyncio.run(on_server())
    engine = create_engine(url)
    with engine.connect() as connection:
        found = compare(connection)
    engine.dispose()
    return found


def test_an_empty_database_comes_up_and_goes_back_and_comes_up_again(empty: str) -> None:
    assert current(empty) is None

    upgrade(empty)
    assert current(empty) == HEAD
    downgrade(empty)
    assert current(empty) is None
    upgrade(empty)
    assert current(empty) == HEAD


def test_the_schema_is_what_the_tables_say(empty: str) -> None:
    upgrade(empty)

    assert differences(empty) == []


def test_a_difference_between_schema_and_tables_is_seen(empty: str) -> None:
    upgrade(empty)
    execute(empty, "DROP INDEX ix_queue_due_at_number")

    assert differences(empty)


def test_the_snapshot_that_new_sqlite_files_are_made_of_is_what_the_revisions_make(tmp_path: Path) -> None:
    """After a change of a revision: `python -m tools.sqlite_snapshot`."""
    revised = f"sqlite:///{tmp_path / 'revised.db'}"
    execute(revised, "CREATE TABLE in_the_way (x TEXT)")  # so that it is no new file, and the revisions run
    upgrade(revised)
    execute(revised, "DROP TABLE in_the_way")
    upgrade(f"sqlite:///{tmp_path / 'new.db'}")

    assert SNAPSHOT.read_text() == schema_of(tmp_path / "revised.db")
    assert schema_of(tmp_path / "new.db") == schema_of(tmp_path / "revised.db")


OLD_LINE = """INSERT INTO usage (tenant, thread, run, workflow, activation, effect, attempt, epoch, model, prompt_tokens, completion_tokens,
    cost, currency, estimated, state)
    VALUES ('t', 'h', 'r', 'w', '/each#1[2]/ask#3', 0, {attempt}, 1, 'm', 10, 5, {cost}, false, {state})"""
OLD_THREAD = "INSERT INTO threads (id, tenant, created_at, thread_type, body, session) VALUES ('h', 't', 0, 'sequential', '{}', 's')"
OLD_SESSION = """INSERT INTO sessions (id, tenant, user_id, state, created_at, updated_at, body)
    VALUES ('s', 't', 'ada', 'active', 0, 0, '{}')"""
OLD_RUN = """INSERT INTO runs (id, tenant, thread, workflow, workflow_hash, status, created_at, started_at, asked, outcome)
    VALUES ('r', 't', 'h', 'w@1', 'x', 'running', 86400, 90000, '{}', '{}')"""


def test_lines_that_were_there_before_their_sums_were_kept_are_in_them(empty: str) -> None:
    upgrade(empty)
    downgrade(empty, "0008")
    costs = [("'12.000000001000000002', 'USD'", "'counted'"), ("'1E-7', 'USD'", "'unknown'"), ("NULL, NULL", "'counted'")]
    lines = [
        OLD_LINE.format(attempt=number, cost=cost, state=state) for number, (cost, state) in enumerate([*costs, (costs[0][0], "'void'")])
    ]
    execute(empty, OLD_SESSION, OLD_THREAD, OLD_RUN, *lines)
    upgrade(empty)

    found = asyncio.run(_sums(empty))

    assert [(one.key, one.cost, one.tally.calls, one.tally.unknown) for one in found] == [
        (("1970-01-02", "ask", "s", "ada"), Money(Decimal("12.000000101000000002")), 2, 1),
        (("1970-01-02", "ask", "s", "ada"), None, 1, 0),
    ]


async def _sums(url: str) -> Sequence[Spent]:
    async with open_store(url, parse=graph_of, clock=SystemClock(), on_committed=lambda *_: None) as store:
        by = (Aspect.DAY, Aspect.NODE, Aspect.SESSION, Aspect.USER)
        return await store.sums.grouped(TenantId("t"), by, UsageFilter(), 10)


def test_two_that_start_at_once_upgrade_once(empty: str) -> None:
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(upgrade, [empty, empty]))

    assert current(empty) == HEAD


def test_an_upgraded_database_opens_without_alembic_and_sqlalchemy(empty: str) -> None:
    upgrade(empty)
    script = (
        "import sys; from infrastructure.store.migrate import upgrade; upgrade(sys.argv[1]);"
        "print([name for name in ('alembic', 'sqlalchemy') if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", script, empty], capture_output=True, text=True, check=True, cwd=SRC)

    assert done.stdout.strip() == "[]"


def test_a_database_of_a_newer_version_is_refused(empty: str) -> None:
    upgrade(empty)
    execute(empty, "UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(DatabaseError, match=r"revision 9999.*update Weft"):
        upgrade(empty)


@pytest.mark.parametrize("spoilt", ["DROP TABLE alembic_version", "DELETE FROM alembic_version"], ids=["no version table", "no version"])
def test_a_database_upgraded_halfway_is_refused(empty: str, spoilt: str) -> None:
    upgrade(empty)
    execute(empty, spoilt)

    with pytest.raises(DatabaseError, match=r"half-way.*backup"):
        upgrade(empty)


def test_an_upgrade_that_fails_leaves_nothing_behind(empty: str) -> None:
    upgrade(empty)
    downgrade(empty)
    execute(empty, "CREATE TABLE idempotency (x TEXT)")

    with pytest.raises(DatabaseError, match="could not be brought to revision"):
        upgrade(empty)
    assert current(empty) is None
    execute(empty, "DROP TABLE idempotency")
    upgrade(empty)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        pytest.param("mysql://ann:secret@localhost/weft", "starts with sqlite:///, postgresql://", id="a scheme that is none of ours"),
        pytest.param("postgresql://ann:secret@127.0.0.1:1/weft", "PostgreSQL does not answer", id="nobody listens there"),
    ],
)
async def test_a_url_that_leads_nowhere_says_so_and_keeps_the_password(url: str, said: str) -> None:
    with pytest.raises(DatabaseError, match=said) as error:
        async with open_store(url, parse=graph_of, clock=SystemClock(), on_committed=lambda *_: None):
            pass

    assert "secret" not in error.value.message


async def test_a_file_that_is_no_database_says_so(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_text("these are not the tables you are looking for" * 100)

    with pytest.raises(DatabaseError, match=r"notes\.db cannot be used"):
        async with open_store(f"sqlite:///{path}", parse=graph_of, clock=SystemClock(), on_committed=lambda *_: None):
            pass


async def test_health_names_a_schema_that_is_not_ours(migrated_sqlite: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{shutil.copy(migrated_sqlite, tmp_path / 'store.db')}"
    async with open_store(url, parse=graph_of, clock=SystemClock(), on_committed=lambda *_: None) as store:
        assert (await store.health.check()).ready
        execute(url, "UPDATE alembic_version SET version_num = '9999'")
        health = await store.health.check()

    assert not health.ready
    assert "9999" in health.reason

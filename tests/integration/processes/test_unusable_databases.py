"""A database that lacks what Weft made there is no database to wait for."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from infrastructure.store.migrate import upgrade
from tests.integration.cli.command import COUNTING, Weft
from tests.servers.commands import commands
from tests.servers.shared import execute

pytestmark = [pytest.mark.processes]
UNREACHABLE = 3


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        new_database: Callable[[], str] = request.getfixturevalue("new_postgres_database")
        return new_database()
    url = f"sqlite:///{tmp_path}/weft.db"
    upgrade(url)
    return url


def changed(url: str, statement: str) -> None:
    if not url.startswith("sqlite"):
        execute(url, statement)
        return
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
        connection.execute(statement)


GONE = pytest.param("DROP TABLE heads", "tables of Weft are gone", id="a table that everything stands on")
NEWER = pytest.param("UPDATE alembic_version SET version_num = '9999'", "update Weft", id="a newer version")
OTHER_QUEUE = pytest.param("ALTER TABLE queue RENAME COLUMN due_at TO ripe_at", "due_at", id="a column of the queue")
OTHER_JOURNAL = pytest.param("ALTER TABLE journal RENAME COLUMN position TO place", "position", id="a column of the journal")
NO_INBOX = pytest.param("DROP TABLE inbox", "inbox", id="another table")


@pytest.mark.parametrize(("statement", "told"), [GONE, NEWER, OTHER_QUEUE, OTHER_JOURNAL, NO_INBOX])
def test_a_run_on_it_ends_and_says_what_to_do(tmp_path: Path, url: str, statement: str, told: str) -> None:
    with commands(tmp_path / "weft", {"WEFT_DATABASE_URL": url}) as started:
        weft = Weft(started)
        file = weft.write("counting.yaml", COUNTING)
        changed(url, statement)

        answer = weft("run", file)

    assert (answer.code, answer.out) == (UNREACHABLE, ""), answer.err
    assert told in answer.err
    assert "another database" in answer.err or "backup" in answer.err


@pytest.mark.parametrize(("statement", "told"), [GONE, NEWER, OTHER_QUEUE])
def test_a_worker_that_waits_for_databases_does_not_wait_for_it(tmp_path: Path, url: str, statement: str, told: str) -> None:
    changed(url, statement)
    with commands(tmp_path / "weft", {"WEFT_DATABASE_URL": url}) as started:
        worker = started.start("worker")

        assert worker.ended() == UNREACHABLE
        assert told in worker.told()


def test_a_worker_whose_table_goes_away_ends(tmp_path: Path, url: str) -> None:
    with commands(tmp_path / "weft", {"WEFT_DATABASE_URL": url}) as started:
        worker = started.worker()
        changed(url, "DROP TABLE queue")

        assert worker.ended() == UNREACHABLE
        assert "restore it from a backup" in worker.told()

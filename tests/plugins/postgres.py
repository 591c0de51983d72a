"""Fixtures over a real PostgreSQL: `postgres_dsn`, and `new_postgres_database` for tests that need one to themselves."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers.postgres import NoPostgres, binaries, given_server
from tests.servers.shared import shared_postgres


def pytest_report_header() -> str:
    try:
        source, where = ("WEFT_TEST_POSTGRES", "") if given_server() else binaries()[::-1]
    except NoPostgres as error:
        return f"postgres: {error}"
    return f"postgres: {source} {where}".rstrip()


@pytest.fixture(scope="session")
def new_postgres_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], str]]:
    """Makes a migrated, empty database and returns its DSN, `postgresql://...`."""
    with shared_postgres(_meeting_folder(tmp_path_factory), _upgrade) as databases:
        yield databases.create


@pytest.fixture(scope="session")
def postgres_dsn(new_postgres_database: Callable[[], str]) -> str:
    """One migrated database for all tests of this process: they use tenants and threads of their own."""
    return new_postgres_database()


def _meeting_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that all processes of this run share: under pytest-xdist each has one of its own inside it."""
    mine = tmp_path_factory.getbasetemp()
    return mine.parent if "PYTEST_XDIST_WORKER" in os.environ else mine


def _upgrade(dsn: str) -> None:
    from infrastructure.store.migrate import upgrade

    upgrade(dsn)

"""Real processes over each database, and a witness that is none of them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.processes.site import Site
from tests.servers.commands import commands
from tests.servers.witness import Witness

DATABASES = ("sqlite", "postgres")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Over each database, or those alone that the module names: `DATABASES`."""
    if "database_url" in metafunc.fixturenames:
        metafunc.parametrize("database_url", getattr(metafunc.module, "DATABASES", DATABASES), indirect=True)


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of the test's own."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/weft.db"
    new_database: Callable[[], str] = request.getfixturevalue("new_postgres_database")
    return new_database()


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    return Witness.settled_in(tmp_path / "witness")


@pytest.fixture
def site(tmp_path: Path, database_url: str, witness: Witness) -> Iterator[Site]:
    variables = {"WEFT_DATABASE_URL": database_url, "WEFT_LEASE_SECONDS": "60", **witness.variables}
    with commands(tmp_path / "weft", variables, witness.package) as started:
        yield Site(started, witness, database_url)

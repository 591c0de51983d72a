"""The PostgreSQL under the tests: real, durable, found, shared, and gone afterwards."""

import multiprocessing
import os
import signal
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import psutil
import pytest

from tests.servers import postgres
from tests.servers.postgres import NoPostgres, Server, binaries, running_postgres
from tests.servers.shared import execute, shared_postgres

FORK = multiprocessing.get_context("forkserver")
pytestmark = pytest.mark.postgres


def migrate(dsn: str) -> None:
    execute(dsn, "CREATE TABLE visits (name text)")


def listens(server: Server) -> bool:
    port = int(server.address.rsplit(":", 1)[1])
    return any(conn.laddr and conn.laddr.port == port and conn.status == psutil.CONN_LISTEN for conn in psutil.net_connections("tcp"))


@pytest.fixture(autouse=True)
def no_server_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WEFT_TEST_POSTGRES", raising=False)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("WEFT_TEST_POSTGRES", raising=False)
        with running_postgres(tmp_path_factory.mktemp("postgres")) as running:
            yield running


def test_the_server_is_of_a_supported_version_and_durable(server: Server) -> None:
    admin = server.dsn("postgres")

    assert int(execute(admin, "SHOW server_version_num")[0]) >= 150000
    assert [execute(admin, f"SHOW {name}") for name in ("fsync", "synchronous_commit", "full_page_writes")] == [["on"]] * 3


def test_a_stopped_server_listens_no_more_and_leaves_no_files(tmp_path: Path) -> None:
    with running_postgres(tmp_path / "work") as running:
        assert listens(running)

    assert not listens(running)
    assert not (tmp_path / "work").exists()


def test_every_database_is_a_migrated_copy_of_its_own(tmp_path: Path) -> None:
    with shared_postgres(tmp_path, migrate) as databases:
        mine, yours = databases.create(), databases.create()
        execute(mine, "INSERT INTO visits VALUES ('me')")

        assert execute(mine, "SELECT name FROM visits") == ["me"]
        assert execute(yours, "SELECT name FROM visits") == []


def test_a_server_somebody_gave_keeps_running_and_loses_our_databases(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEFT_TEST_POSTGRES", server.dsn("postgres"))

    with shared_postgres(tmp_path, migrate) as databases:
        databases.create()
        assert databases.server.source == "WEFT_TEST_POSTGRES"

    assert execute(server.dsn("postgres"), "SELECT datname FROM pg_database WHERE datname LIKE 'weft_test%'") == []


def test_a_migration_that_fails_leaves_no_server(tmp_path: Path) -> None:
    seen: list[Server] = []

    def fail(dsn: str) -> None:
        seen.append(Server(dsn.rsplit("/", 1)[0], "seen"))
        raise RuntimeError("no such revision")

    with pytest.raises(RuntimeError, match="no such revision"), shared_postgres(tmp_path, fail):
        pass

    assert not listens(seen[0])
    with shared_postgres(tmp_path, migrate) as databases:
        assert listens(databases.server)


def use(meeting: Path, talk: Connection) -> None:
    """A process of the run: says which server it got, then leaves when told."""
    with shared_postgres(meeting, migrate) as databases:
        talk.send((databases.server, databases.create()))
        talk.recv()


def test_processes_that_meet_share_one_server_and_the_last_one_stops_it(tmp_path: Path) -> None:
    (first, our_end_of_first), (second, our_end_of_second) = (started(tmp_path) for _ in range(2))
    (server, one), (same, other) = our_end_of_first.recv(), our_end_of_second.recv()
    assert server == same
    assert one != other

    our_end_of_first.send("leave")
    first.join()
    assert listens(server)

    our_end_of_second.send("leave")
    second.join()
    assert not listens(server)


def test_a_killed_process_does_not_keep_the_server_alive(tmp_path: Path) -> None:
    killed, talk = started(tmp_path)
    server, _ = talk.recv()

    with shared_postgres(tmp_path, migrate) as databases:
        os.kill(killed.pid or 0, signal.SIGKILL)
        killed.join()
        assert databases.server == server
        assert listens(server)

    assert not listens(server)


def started(meeting: Path) -> tuple[multiprocessing.process.BaseProcess, Connection]:
    ours, theirs = FORK.Pipe()
    process = FORK.Process(target=use, args=(meeting, theirs))
    process.start()
    return process, ours


def test_without_any_postgres_the_tests_fail_and_say_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "candidates", lambda: iter(()))

    with pytest.raises(NoPostgres, match="apt-get install postgresql"):
        binaries()


def test_an_old_server_on_the_path_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("postgres", "initdb", "pg_ctl"):
        (tmp_path / name).write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 14.9'\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    assert binaries()[0] != tmp_path


def test_every_supported_server_that_is_installed_here_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    supported = {folder: name for name, folder in postgres.candidates() if postgres.major_version(folder) >= postgres.OLDEST}
    assert supported

    for folder, name in supported.items():
        monkeypatch.setattr(postgres, "candidates", lambda only=(name, folder): iter([only]))
        with running_postgres(tmp_path / folder.parent.name) as running:
            assert str(folder) in running.source
            assert execute(running.dsn("postgres"), "SELECT 'answers'") == ["answers"]


def test_where_there_are_no_user_namespaces_root_becomes_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "unshare").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "unshare").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    prefix = postgres.unprivileged(tmp_path)

    assert [*prefix[:1]] == (["setpriv"] if os.geteuid() == 0 else [])
    assert tmp_path.stat().st_uid != 0

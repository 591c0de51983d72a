"""One PostgreSQL for all processes of a test run, and a database of its own, already migrated, for whoever asks.

The processes meet in a folder: whoever comes first starts the server and migrates the template, whoever leaves last stops it.
A process that is killed leaves too, because the kernel gives back its lock.
"""

import asyncio
import fcntl
import json
import secrets
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar

import asyncpg

from tests.servers.postgres import Cluster, Server, given_server

Given = TypeVar("Given")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Databases:
    """A server with a migrated template. `folder` holds the cluster, None where the server is not ours."""

    server: Server
    template: str
    folder: Path | None

    def create(self) -> str:
        """The DSN of a new database, a copy of the template."""
        name = f"{self.template}_{secrets.token_hex(4)}"
        execute(self.server.dsn("postgres"), f'CREATE DATABASE "{name}" TEMPLATE "{self.template}"')
        return self.server.dsn(name)

    def forget(self) -> None:
        """Stops our own server; on another's, drops the databases that came from the template, and the template."""
        if self.folder:
            Cluster.in_folder(self.folder).stop()
            return
        admin = self.server.dsn("postgres")
        ours = execute(admin, f"SELECT datname FROM pg_database WHERE datname LIKE '{self.template}%'")  # noqa: S608 (a name of ours)
        for name in ours:
            execute(admin, f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def shared_postgres(meeting: Path, migrate: Callable[[str], None]) -> Iterator[Databases]:
    """The databases of the processes that meet in this folder. `migrate` gets the DSN of an empty database, once, on its own thread."""
    state = meeting / "postgres.json"
    with _locked(meeting / "postgres.turn"):
        databases = _load(state) or _open(state, migrate)
        users = _lock(meeting / "postgres.users", fcntl.LOCK_SH)
    try:
        yield databases
    finally:
        with _locked(meeting / "postgres.turn"):
            users.close()
            if _nobody_holds(meeting / "postgres.users"):
                state.unlink()
                databases.forget()


def _open(state: Path, migrate: Callable[[str], None]) -> Databases:
    folder = None if given_server() else Path(tempfile.mkdtemp(prefix="weft-postgres-"))
    server = given_server() or Cluster.in_folder(folder or Path()).start()
    databases = Databases(server, f"weft_test_{secrets.token_hex(4)}", folder)
    try:
        execute(server.dsn("postgres"), f'CREATE DATABASE "{databases.template}"')
        on_a_thread(migrate, server.dsn(databases.template))
    except BaseException:
        databases.forget()
        raise
    state.write_text(json.dumps([server.address, server.source, databases.template, str(folder) if folder else None]))
    return databases


def _load(state: Path) -> Databases | None:
    if not state.exists():
        return None
    address, source, template, folder = json.loads(state.read_text())
    return Databases(Server(address, source), template, Path(folder) if folder else None)


def _lock(path: Path, kind: int) -> IO[str]:
    """The open file whose closing, by whatever way, gives the lock back."""
    file = path.open("a")
    fcntl.flock(file, kind)
    return file


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with _lock(path, fcntl.LOCK_EX):
        yield


def _nobody_holds(path: Path) -> bool:
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def execute(dsn: str, statement: str) -> list[str]:
    """Runs one statement outside of any transaction; the first column of what it returned."""

    async def work() -> list[str]:
        connection = await asyncpg.connect(dsn)
        try:
            return [row[0] for row in await connection.fetch(statement)]
        finally:
            await connection.close()

    return on_a_thread(asyncio.run, work())


def on_a_thread(call: Callable[[Given], Answer], given: Given) -> Answer:
    """The caller may be inside an event loop, and the call may want one of its own."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(call, given).result()

"""Where the processes of one test meet: a database, a witness, and who was started."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass

from tests.servers.commands import Commands, Running
from tests.servers.rest import Rest
from tests.servers.shared import execute
from tests.servers.until import until
from tests.servers.witness import Witness


@dataclass(frozen=True, slots=True)
class Site:
    commands: Commands
    witness: Witness
    database_url: str

    def service(self) -> Rest:
        """A service that never executes a node."""
        return Rest(self.commands.serve("--no-worker").url())

    def workers(self, count: int, **variables: str) -> list[Running]:
        return [self.commands.worker(**variables) for _ in range(count)]

    def holder(self, workers: list[Running], name: str = "held") -> Running:
        """The worker in which the node began."""
        until(lambda: self.witness.calls(name=name), f"a call of {name}")
        pid = self.witness.calls(name=name)[-1].pid
        return next(worker for worker in workers if worker.pid == pid)

    def epoch(self, thread: str) -> int:
        """How often the thread was claimed, as its head row says."""
        return self.number(f"SELECT epoch FROM heads WHERE thread = '{thread}'")  # noqa: S608 (an id of ours)

    def count(self, table: str, condition: str) -> int:
        return self.number(f"SELECT count(*) FROM {table} WHERE {condition}")  # noqa: S608 (words of ours)

    def change(self, statement: str) -> None:
        """Straight in the database, as nobody of ours does."""
        if self.database_url.startswith("postgresql"):
            execute(self.database_url, statement)
            return
        with closing(sqlite3.connect(self.database_url.removeprefix("sqlite:///"))) as connection, connection:
            connection.execute(statement)

    def number(self, statement: str) -> int:
        """The one number that a statement gives, straight from the database."""
        if self.database_url.startswith("postgresql"):
            return int(execute(self.database_url, statement)[0])
        with closing(sqlite3.connect(self.database_url.removeprefix("sqlite:///"))) as connection:
            return int(connection.execute(statement).fetchone()[0])

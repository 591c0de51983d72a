"""A PostgreSQL of the scenario's own, which may be crashed, and which takes notes of its own.

Every process of Weft has a role of its own, so triggers can write down who claimed a thread and who wrote a row, under which epoch: the
journal says what was written, the notes say by whom.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from infrastructure.store.migrate import upgrade
from tests.servers.postgres import USER, Cluster
from tests.servers.shared import on_a_thread

NOTES = """
CREATE SCHEMA rig;
CREATE TABLE rig.claims (thread text, epoch bigint, process text);
CREATE TABLE rig.writes (thread text, position bigint, epoch bigint, process text);
CREATE TABLE rig.tampered (thread text, position bigint, what text);
CREATE INDEX ON rig.claims (thread, epoch);
CREATE FUNCTION rig.claimed() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN INSERT INTO rig.claims VALUES (NEW.thread, NEW.epoch, session_user); RETURN NULL; END $$;
CREATE TRIGGER claimed AFTER UPDATE ON heads FOR EACH ROW WHEN (OLD.epoch IS DISTINCT FROM NEW.epoch) EXECUTE FUNCTION rig.claimed();
CREATE FUNCTION rig.wrote() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO rig.writes SELECT a.thread, a.position, h.epoch, session_user FROM added a JOIN heads h USING (thread);
        RETURN NULL;
    END $$;
CREATE TRIGGER wrote AFTER INSERT ON journal REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION rig.wrote();
CREATE FUNCTION rig.tampered() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN INSERT INTO rig.tampered VALUES (OLD.thread, OLD.position, TG_OP); RETURN NULL; END $$;
CREATE TRIGGER tampered AFTER UPDATE OR DELETE ON journal FOR EACH ROW EXECUTE FUNCTION rig.tampered();
"""


@dataclass(slots=True)
class Database:
    cluster: Cluster
    address: str
    """`postgresql://USER:PASSWORD@HOST:PORT/NAME` of the owner."""
    roles: set[str] = field(default_factory=set)

    @property
    def port(self) -> int:
        return urlsplit(self.address).port or 0

    def dsn(self, process: str, port: int = 0) -> str:
        """For one process, under a role of its own; through a proxy where its port is named."""
        if process not in self.roles:
            self.ask(f"CREATE ROLE {process} LOGIN PASSWORD '{process}' IN ROLE {USER}; ALTER ROLE {process} SET role TO {USER}")
            self.roles.add(process)
        return f"postgresql://{process}:{process}@127.0.0.1:{port or self.port}/{urlsplit(self.address).path[1:]}"

    def ask(self, statement: str) -> Sequence[Any]:
        """Rows of one statement; several, separated by semicolons, give none."""
        return on_a_thread(_ask, (self.address, statement))

    def number(self, statement: str) -> int:
        return int(self.ask(statement)[0][0])

    def crash(self) -> None:
        self.cluster.crash()

    def recover(self) -> None:
        self.cluster.listen(self.port)

    def terminate_backends(self) -> int:
        """Cuts every connection of Weft's processes from the inside; how many."""
        return self.number("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename LIKE 'p\\_%'")

    def lock(self, table: str, seconds: float) -> None:
        """Nobody else reads or writes the table for so long."""
        self.ask(f"BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep({seconds}); COMMIT")


def _ask(asked: tuple[str, str]) -> Sequence[Any]:
    async def work() -> Sequence[Any]:
        connection = await asyncpg.connect(asked[0])
        try:
            if ";" in asked[1]:
                await connection.execute(asked[1])
                return ()
            rows: Sequence[Any] = await connection.fetch(asked[1])
            return rows
        finally:
            await connection.close()

    return asyncio.run(work())


@contextmanager
def running_database(folder: Path) -> Iterator[Database]:
    """Migrated, empty, taking notes; gone at the end, with everything in it."""
    cluster = Cluster.in_folder(folder)
    address = cluster.start().dsn("postgres")
    database = Database(cluster, address)
    try:
        on_a_thread(upgrade, address)
        database.ask(NOTES)
        yield database
    finally:
        cluster.stop()

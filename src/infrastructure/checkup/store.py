"""What both databases tell about runs, in the same words; and each about itself."""

# ruff: noqa: S608 - statements are put together from names that stand in this folder

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg

from domain.budget import TOKENS
from domain.errors import DatabaseError
from domain.ids import RunId, TenantId
from domain.ports.checkup import MoneyBudget, StoreVitals, WorkVitals
from domain.ports.clock import Clock
from infrastructure.store import migrate
from infrastructure.store.postgres.connections import CONNECT_SECONDS, LOST, POSTGRES, REFUSED, no_answer, refusal
from infrastructure.store.reader import Dialect, Reader
from infrastructure.store.reading import QueueReads
from infrastructure.store.rows import Row
from infrastructure.store.sqlite.connections import SqliteReader
from infrastructure.store.urls import driver_dsn, is_sqlite, sqlite_path

LOOK_SECONDS: Final = 30.0
MOST: Final = 1000
SAFE: Final = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
SAFER: Final = frozenset({"remote_write", "remote_apply", "local", "on"})
"""Of `synchronous_commit`: with each of these a commit is on the server's own disk first."""
_LAPSED: Final = "SELECT count(*) FROM queue WHERE worker IS NOT NULL AND until < {now} - $1"
_ASTRAY: Final = f"""SELECT id FROM runs WHERE ended_at IS NULL AND NOT EXISTS (SELECT 1 FROM queue q WHERE q.run = runs.id)
    ORDER BY id LIMIT {MOST}"""
_STUMBLING: Final = f"SELECT run, deliveries FROM queue WHERE deliveries > 1 ORDER BY deliveries DESC, number LIMIT {MOST}"
_MONEY: Final = f"SELECT tenant, name, unit FROM budgets WHERE unit <> '{TOKENS}' ORDER BY tenant, name LIMIT {MOST}"
_WORKING: Final = "SELECT count(DISTINCT worker) FROM queue WHERE worker IS NOT NULL AND until >= {now}"


@dataclass(frozen=True, slots=True)
class StoreCheckup:
    """`url` as in the settings; a database in memory has nothing to look at."""

    url: str
    clock: Clock

    async def vitals(self) -> StoreVitals:
        schema = await asyncio.to_thread(migrate.current, self.url)
        known = schema is None or schema in migrate.KNOWN
        if is_sqlite(self.url):
            return StoreVitals("SQLite", schema, migrate.HEAD, known, (), self.clock.now().timestamp())
        async with _reader(self.url, self.clock) as reader:
            ((version, now),) = await reader.rows(f"SELECT current_setting('server_version'), {POSTGRES.now}")
            unsafe = await reader.rows("SELECT name, setting FROM pg_settings WHERE name = ANY($1)", list(SAFE))
        bad = [f"{name} = {value}" for name, value in unsafe if value != "on" and not (name == "synchronous_commit" and value in SAFER)]
        return StoreVitals(f"PostgreSQL {version.split()[0]}", schema, migrate.HEAD, known, bad, now)

    async def work(self, silent_seconds: float) -> WorkVitals:
        async with _reader(self.url, self.clock) as reader:
            spell = reader.dialect.spell
            ((lapsed,),) = await reader.rows(spell(_LAPSED), silent_seconds)
            ((working,),) = await reader.rows(spell(_WORKING))
            stumbling = [(RunId(run), int(times)) for run, times in await reader.rows(_STUMBLING)]
            astray = [RunId(run) for (run,) in await reader.rows(_ASTRAY)]
            money = [MoneyBudget(TenantId(tenant), name, unit) for tenant, name, unit in await reader.rows(_MONEY)]
            depth = await QueueReads(reader).depth()
            return WorkVitals(depth, lapsed, astray, stumbling, depth.attention, working, money)

    async def read(self, name: str) -> str | None:
        """Of lanes, as `Lanes.read`."""
        async with _reader(self.url, self.clock) as reader:
            rows = await reader.rows("SELECT written FROM model_lanes WHERE name = $1", name)
        return str(rows[0][0]) if rows else None

    async def swap(self, name: str, before: str | None, after: str) -> bool:
        raise AssertionError("who only looks writes nothing")


@asynccontextmanager
async def _reader(url: str, clock: Clock) -> AsyncIterator[Reader]:
    if is_sqlite(url):
        reader = SqliteReader(_there(sqlite_path(url)), clock)
        try:
            yield reader
        finally:
            reader.close()
        return
    try:
        connection = await asyncpg.connect(driver_dsn(url), timeout=CONNECT_SECONDS, command_timeout=LOOK_SECONDS)
    except (*LOST, *REFUSED) as error:
        raise no_answer(error) from error
    try:
        yield _OneConnection(connection)
    finally:
        connection.terminate()


def _there(path: Path) -> Path:
    """Opening a file that is not there would make it."""
    if not path.exists():
        raise DatabaseError(f"there is no file {path}")
    return path


@dataclass(frozen=True, slots=True)
class _OneConnection:
    connection: asyncpg.Connection
    dialect: Dialect = POSTGRES

    async def rows(self, statement: str, *values: object) -> Sequence[Row]:
        try:
            found: Sequence[Row] = await self.connection.fetch(statement, *values)
        except LOST as error:
            raise no_answer(error) from error
        except REFUSED as error:
            raise refusal(error) from error
        return found

    async def few(self, statement: str, *values: object) -> Sequence[Row]:
        return await self.rows(statement, *values)

    def members(self, values: Sequence[str]) -> object:
        return list(values)

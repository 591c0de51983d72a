"""Processes of Weft over one database of PostgreSQL, and what can be seen of both from outside: rows, sizes, the time they worked."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import asyncpg

from benchmarks.lines import Order
from tests.servers.commands import Commands, commands

LOOK_SECONDS: Final = 0.01
TICKS: Final = os.sysconf("SC_CLK_TCK")
VARIABLES: Final = {"PYTHONDONTWRITEBYTECODE": ""}


@dataclass(frozen=True)
class Outside:
    """The database as somebody sees it who is none of the processes."""

    connection: "asyncpg.Connection[asyncpg.Record]"

    async def value(self, statement: str, *values: object) -> Any:
        return await self.connection.fetchval(statement, *values)

    async def until(self, statement: str, *values: object) -> None:
        """Returns when the statement, asked again and again, says true."""
        while not await self.value(statement, *values):  # noqa: ASYNC110 - nobody tells somebody outside
            await asyncio.sleep(LOOK_SECONDS)

    async def all_over(self, expected: int) -> float:
        """Returns when no run is unfinished: seconds since the epoch at which the last one ended. A run that did not complete is an
        error."""
        await self.until("SELECT NOT EXISTS (SELECT 1 FROM queue)")
        done = await self.value("SELECT count(*) FROM runs WHERE status = 'completed'")
        assert done == expected, f"{done} of {expected} runs completed"
        return float(await self.value("SELECT max(ended_at) FROM runs"))

    async def size(self) -> int:
        """Bytes of all tables, their indexes and what is stored out of line."""
        return int(await self.value("SELECT sum(pg_total_relation_size(relid)) FROM pg_stat_user_tables"))

    async def written(self) -> int:
        """Where the write-ahead log stands, in bytes."""
        return int(await self.value("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')"))

    async def processes(self) -> Sequence[int]:
        """Those of the server, where it is on this machine."""
        mine = await self.value("SELECT pg_backend_pid()")
        parents = dict(_parents())
        return [pid for pid, parent in parents.items() if parent == parents.get(mine)]


def _parents() -> Iterator[tuple[int, int]]:
    for folder in Path("/proc").glob("[0-9]*"):
        fields = _status(int(folder.name))
        if fields:
            yield int(folder.name), int(fields[1])


def worked(processes: Iterable[int]) -> float:
    """Seconds of processor time so far, of all of them together; one that is gone counts nothing."""
    return sum((int(fields[11]) + int(fields[12])) / TICKS for pid in processes if (fields := _status(pid)))


def _status(pid: int) -> list[str]:
    """From the state on; the name before it may hold anything. Empty for a process that is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


@dataclass(frozen=True)
class Busy:
    """How much of the machine each group of processes takes from a moment on; the server and this process are two more."""

    groups: Mapping[str, Sequence[int]]
    before: Mapping[str, float]

    @classmethod
    async def from_now(cls, outside: Outside, **groups: Sequence[int]) -> "Busy":
        all_groups = {**groups, "cores_postgres": await outside.processes(), "cores_client": [os.getpid()]}
        return cls(all_groups, {name: worked(processes) for name, processes in all_groups.items()})

    def over(self, seconds: float) -> dict[str, float]:
        """Cores, on an average over so many seconds that end now."""
        return {name: (worked(processes) - self.before[name]) / seconds for name, processes in self.groups.items()}


@asynccontextmanager
async def seen_from_outside(order: Order) -> AsyncIterator[Outside]:
    connection = await asyncpg.connect(order.database)
    try:
        yield Outside(connection)
    finally:
        await connection.close()


@contextmanager
def cluster(order: Order, *packages: Path) -> Iterator[Commands]:
    """Processes as an owner starts them, killed at the end. `packages`: folders with tools that they can import."""
    with commands(order.scratch / "weft", {"WEFT_DATABASE_URL": order.database, **VARIABLES}, *packages) as started:
        yield started

"""An empty database for every measured process, gone when it is over."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg

from benchmarks.plan import Step
from tests.servers.postgres import Server

NAME = "measured"


@dataclass(frozen=True)
class Place:
    """Where one process keeps its data."""

    database: str
    scratch: Path


@contextmanager
def place_for(step: Step, server: Server, disk: Path) -> Iterator[Place]:
    """`disk`: a folder on the disk whose commits are to be measured."""
    with TemporaryDirectory(dir=disk, ignore_cleanup_errors=True) as folder:
        scratch = Path(folder)
        if step.database == "postgres":
            asyncio.run(_fresh(server))
            yield Place(server.dsn(NAME), scratch)
            return
        yield Place("memory:" if step.database == "memory" else f"sqlite:///{scratch / 'measured.db'}", scratch)


async def _fresh(server: Server) -> None:
    """Dropping one makes a checkpoint too: nobody pays for the writes of the one before."""
    connection = await asyncpg.connect(server.dsn("postgres"))
    try:
        await connection.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
        await connection.execute(f"CREATE DATABASE {NAME}")
    finally:
        await connection.close()

"""Renewing leases over a connection that nobody else uses; it blocks the thread it is opened on."""

import sqlite3
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, closing
from pathlib import Path

from domain.ids import WorkerId
from domain.ports.clock import Clock
from domain.ports.journal import Lease
from infrastructure.heart import Renew
from infrastructure.store.sqlite.connections import connect, trouble
from infrastructure.store.sqlite.queue import renew_leases


@asynccontextmanager
async def open_renew(path: Path, clock: Clock) -> AsyncIterator[Renew]:
    with closing(connect(path, clock)) as connection:

        async def renew(worker: WorkerId, leases: Collection[Lease], lease_seconds: float) -> Collection[Lease]:
            try:
                connection.execute("BEGIN IMMEDIATE")
                try:
                    return renew_leases(connection, worker, list(leases), lease_seconds)
                finally:
                    connection.execute("COMMIT")
            except sqlite3.Error as error:
                raise trouble(path, error) from error

        yield renew

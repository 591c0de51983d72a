"""Renewing leases over a connection that nobody else uses."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Final

from domain.ids import WorkerId
from domain.ports.journal import Lease
from infrastructure.heart import Renew
from infrastructure.store.postgres.connections import LOST, REFUSED, WriterConnection, no_answer
from infrastructure.store.postgres.queue import RENEW

ANSWER_SECONDS: Final = 5.0
"""A heartbeat that hears nothing for so long is sent again over a new connection."""


@asynccontextmanager
async def open_renew(dsn: str) -> AsyncIterator[Renew]:
    """Connects with the first beat, and again after one that failed."""
    connection = WriterConnection(dsn, ANSWER_SECONDS)

    async def renew(worker: WorkerId, leases: Collection[Lease], lease_seconds: float) -> Collection[Lease]:
        runs, epochs = [lease.run for lease in leases], [lease.epoch for lease in leases]
        try:
            lost = {row[0] for row in await connection.rows(RENEW, runs, epochs, worker, lease_seconds)}
        except (*LOST, *REFUSED) as error:
            raise no_answer(error) from error
        return [lease for number, lease in enumerate(leases, 1) if number in lost]

    try:
        yield renew
    finally:
        await connection.close()

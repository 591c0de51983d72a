"""The store that the settings name, opened; or waited for."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from application.documents import parse_graph
from domain.errors import DatabaseError
from domain.ports.clock import Clock
from domain.ports.meter import Meter
from infrastructure.between import Between
from infrastructure.store.connections import Connections
from infrastructure.store.open import open_store
from infrastructure.store.store import Store
from settings import Settings

log = logging.getLogger("bootstrap")


@asynccontextmanager
async def opened_store(settings: Settings, clock: Clock, meter: Meter, between: Between, *, patient: bool) -> AsyncIterator[Store]:
    """Raises `DatabaseError` when it cannot be opened; `patient`, it waits for a database that does not answer, and says so."""
    database = settings.config.database
    connections = Connections(database.max_connections, database.connection_timeout)
    make = partial(open_store, database.url, parse=parse_graph, clock=clock, connections=connections, hints=between.hints)
    async with AsyncExitStack() as stack:
        store = None
        while store is None:
            try:
                store = await stack.enter_async_context(make(on_committed=meter.committed))
            except DatabaseError as error:
                if not patient:
                    raise
                log.warning("waiting for the database: %s", error.message)
                await asyncio.sleep(1.0)
        yield store

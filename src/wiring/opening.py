"""The store that the settings name, opened; or waited for."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from application.documents import parse_graph
from domain.errors import DatabaseError, DatabaseUnusable
from domain.ports.clock import Clock
from domain.ports.meter import Meter
from infrastructure.between import Between
from infrastructure.store.connections import Connections
from infrastructure.store.open import open_store
from infrastructure.store.store import Store
from settings import Settings


@asynccontextmanager
async def opened_store(
    settings: Settings, clock: Clock, meter: Meter, between: Between, warn: Callable[..., object] | None = None
) -> AsyncIterator[Store]:
    """Raises `DatabaseError` when it cannot be opened; with `warn` it waits for a database that does not answer, and warns each time; for
    one that cannot be used nobody waits."""
    database = settings.config.database
    connections = Connections(database.max_connections, database.connection_timeout)
    make = partial(open_store, database.url, parse=parse_graph, clock=clock, connections=connections, hints=between.hints)
    async with AsyncExitStack() as stack:
        store = None
        while store is None:
            try:
                store = await stack.enter_async_context(make(on_committed=meter.committed))
            except DatabaseUnusable:
                raise
            except DatabaseError as error:
                if warn is None:
                    raise
                warn("waiting for the database", reason=error.message)
                await asyncio.sleep(1.0)
        yield store

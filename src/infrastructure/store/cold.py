"""What of a store goes through SQLAlchemy, which is imported (half a second) when the first of it is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from domain.graph.definition import Graph
from domain.json import JsonObject
from infrastructure.store.connections import Connections

if TYPE_CHECKING:
    from infrastructure.store.sql.database import Database

Parse: TypeAlias = Callable[[JsonObject], Graph]


class Cold:
    """Its engine is made with the first of these."""

    def __init__(self, url: str, connections: Connections) -> None:
        self._url, self._connections = url, connections
        self._database: Database | None = None

    def runs(self) -> object:
        from infrastructure.store.sql.runs import RunLists

        return RunLists(self._opened())

    def workflows(self, parse: Parse) -> object:
        from infrastructure.store.sql.workflows import PublishedWorkflows

        return PublishedWorkflows(self._opened(), parse)

    def templates(self) -> object:
        from infrastructure.store.sql.workflows import ShelvedTemplates

        return ShelvedTemplates(self._opened())

    def prompts(self) -> object:
        from infrastructure.store.sql.prompts import KeptPrompts

        return KeptPrompts(self._opened())

    def threads(self) -> object:
        from infrastructure.store.sql.threads import KeptThreads

        return KeptThreads(self._opened())

    def usage(self) -> object:
        from infrastructure.store.sql.shelves import KeptUsage

        return KeptUsage(self._opened())

    def retention(self) -> object:
        from infrastructure.store.sql.retention import KeptRetention

        return KeptRetention(self._opened())

    def schedules(self) -> object:
        from infrastructure.store.sql.schedules import KeptSchedules

        return KeptSchedules(self._opened())

    def due_schedules(self) -> object:
        from infrastructure.store.sql.due import KeptDueSchedules

        return KeptDueSchedules(self._opened())

    def sessions(self) -> object:
        from infrastructure.store.sql.sessions import KeptSessions

        return KeptSessions(self._opened())

    def webhooks(self) -> object:
        from infrastructure.store.sql.webhooks import KeptWebhooks

        return KeptWebhooks(self._opened())

    def deliveries(self) -> object:
        from infrastructure.store.sql.webhooks import KeptDeliveries

        return KeptDeliveries(self._opened())

    def due_deliveries(self) -> object:
        from infrastructure.store.sql.webhooks import KeptDueDeliveries

        return KeptDueDeliveries(self._opened())

    def snapshots(self) -> object:
        from infrastructure.store.sql.snapshots import KeptSnapshots

        return KeptSnapshots(self._opened())

    def items(self) -> object:
        from infrastructure.store.sql.items import KeptItems

        return KeptItems(self._opened())

    def keys(self) -> object:
        from infrastructure.store.sql.shelves import KeptKeys

        return KeptKeys(self._opened())

    def registered(self) -> object:
        from infrastructure.store.sql.tools import KeptTools

        return KeptTools(self._opened())

    def pins(self) -> object:
        from infrastructure.store.sql.tools import KeptPins

        return KeptPins(self._opened())

    def lanes(self) -> object:
        from infrastructure.store.sql.lanes import KeptLanes

        return KeptLanes(self._opened())

    async def close(self) -> None:
        if self._database is not None:
            await self._database.close()

    def _opened(self) -> Database:
        from infrastructure.store.sql.database import Database

        if self._database is None:
            self._database = Database(self._url, self._connections)
        return self._database

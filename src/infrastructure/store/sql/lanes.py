"""Lanes of providers: a row each, swapped in one statement."""

from dataclasses import dataclass

from sqlalchemy import select, update

from infrastructure.store.model_tables import model_lanes
from infrastructure.store.sql.database import Database


@dataclass(frozen=True, slots=True)
class KeptLanes:
    database: Database

    async def read(self, name: str) -> str | None:
        rows = await self.database.rows(select(model_lanes.c.written).where(model_lanes.c.name == name))
        return str(rows[0][0]) if rows else None

    async def swap(self, name: str, before: str | None, after: str) -> bool:
        if before is None:
            added = self.database.insert(model_lanes).values(name=name, written=after).on_conflict_do_nothing()
            return await self.database.change(added) == 1
        moved = update(model_lanes).where(model_lanes.c.name == name, model_lanes.c.written == before).values(written=after)
        return await self.database.change(moved) == 1

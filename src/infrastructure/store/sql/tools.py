"""Registered tools, and the descriptions of others' tools that somebody approved."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, delete, select

from domain.errors import ToolNotFound
from domain.ids import TenantId
from domain.registered import RegisteredTool, ToolPin
from infrastructure.store.codec import encode, plain
from infrastructure.store.rows import Row, moment, seconds
from infrastructure.store.sql.database import Database
from infrastructure.store.tool_tables import registered_tools as tools
from infrastructure.store.tool_tables import tool_pins as pins

_CHANGED: Final = ("updated_at", "by", "document")
_CHANGE: Final = tools.update().where(tools.c.tenant == bindparam("of"), tools.c.name == bindparam("called"))


@dataclass(frozen=True, slots=True)
class KeptTools:
    database: Database

    async def put(self, tool: RegisteredTool) -> bool:
        return bool(await self.put_all([tool]))

    async def put_all(self, given: Sequence[RegisteredTool]) -> Collection[str]:
        """In the order of their names: two that put the same ones at once do not wait for each other."""
        rows = [_row_of_tool(tool) for tool in sorted(given, key=lambda one: one.name)]
        async with self.database.transaction() as connection:
            new = self.database.insert(tools).on_conflict_do_nothing().returning(tools.c.name)
            fresh = set((await connection.scalars(new, rows)).all())
            if known := [_change_of(row) for row in rows if row["name"] not in fresh]:
                await connection.execute(_CHANGE, known)
        return fresh

    async def of(self, tenant: TenantId, names: Sequence[str] | None = None) -> Sequence[RegisteredTool]:
        wanted = tools.c.tenant == tenant
        if names is not None:
            wanted &= tools.c.name.in_(names)
        return [_tool_of(row) for row in await self.database.rows(select(tools).where(wanted).order_by(tools.c.name))]

    async def stamps(self, tenant: TenantId) -> Mapping[str, datetime]:
        rows = await self.database.rows(select(tools.c.name, tools.c.updated_at).where(tools.c.tenant == tenant))
        return {name: moment(at) for name, at in rows}

    async def remove(self, tenant: TenantId, name: str) -> None:
        if not await self.database.change(delete(tools).where(tools.c.tenant == tenant, tools.c.name == name)):
            raise no_registered(name)


@dataclass(frozen=True, slots=True)
class KeptPins:
    database: Database

    async def of(self, server: str) -> Sequence[ToolPin]:
        rows = await self.database.rows(select(pins).where(pins.c.server == server).order_by(pins.c.tool))
        return [_pin_of(row) for row in rows]

    async def pin(self, given: Sequence[ToolPin], *, replacing: bool) -> None:
        if not given:
            return
        new = self.database.insert(pins).values([_row_of(pin) for pin in given])
        if not replacing:
            await self.database.change(new.on_conflict_do_nothing())
            return
        values = {name: new.excluded[name] for name in ("digest", "by", "at", "document")}
        await self.database.change(new.on_conflict_do_update(index_elements=["server", "tool"], set_=values))

    async def unpin(self, server: str, tools: Sequence[str]) -> None:
        await self.database.change(delete(pins).where(pins.c.server == server, pins.c.tool.in_(tools)))


def no_registered(name: str) -> ToolNotFound:
    return ToolNotFound(f"no tool {name} is registered")


def _row_of_tool(tool: RegisteredTool) -> dict[str, object]:
    return {
        "tenant": tool.tenant,
        "name": tool.name,
        "created_at": seconds(tool.created_at),
        "updated_at": seconds(tool.updated_at),
        "by": tool.by,
        "document": encode(tool.document),
    }


def _change_of(row: Mapping[str, object]) -> dict[str, object]:
    return {"of": row["tenant"], "called": row["name"], **{name: row[name] for name in _CHANGED}}


def _tool_of(row: Row) -> RegisteredTool:
    tenant, name, created_at, updated_at, by, document = row
    return RegisteredTool(tenant, name, plain(document), by, moment(created_at), moment(updated_at))


def _row_of(pin: ToolPin) -> dict[str, object]:
    return {
        "server": pin.server,
        "tool": pin.tool,
        "digest": pin.digest,
        "by": pin.by,
        "at": seconds(pin.at),
        "document": encode(pin.document),
    }


def _pin_of(row: Row) -> ToolPin:
    server, tool, digest, by, at, document = row
    return ToolPin(server, tool, digest, plain(document), by, moment(at))

"""Registered tools and approved descriptions, in memory."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from domain.errors import ToolNotFound
from domain.ids import TenantId
from domain.registered import RegisteredTool, Revision, ToolPin
from infrastructure.store.memory.book import Book


@dataclass(frozen=True, slots=True)
class MemoryTools:
    book: Book

    async def put(self, tool: RegisteredTool) -> bool:
        mine = self.book.tools.setdefault(tool.tenant, {})
        known = mine.get(tool.name)
        mine[tool.name] = tool if known is None else replace(tool, created_at=known.created_at)
        return known is None

    async def put_all(self, tools: Sequence[RegisteredTool]) -> Collection[str]:
        return [tool.name for tool in tools if await self.put(tool)]

    async def of(self, tenant: TenantId, names: Sequence[str] | None = None) -> Sequence[RegisteredTool]:
        mine = self.book.tools.get(tenant, {})
        return [mine[name] for name in sorted(mine.keys() if names is None else mine.keys() & set(names))]

    async def stamps(self, tenant: TenantId) -> Mapping[str, datetime]:
        return {name: tool.updated_at for name, tool in self.book.tools.get(tenant, {}).items()}

    async def revision(self, tenant: TenantId) -> Revision:
        changed = [tool.updated_at.timestamp() for tool in self.book.tools.get(tenant, {}).values()]
        return Revision(len(changed), max(changed, default=0.0), sum(changed))

    async def remove(self, tenant: TenantId, name: str) -> None:
        if self.book.tools.get(tenant, {}).pop(name, None) is None:
            raise ToolNotFound(f"no tool {name} is registered")


@dataclass(frozen=True, slots=True)
class MemoryPins:
    book: Book

    async def of(self, server: str) -> Sequence[ToolPin]:
        return [pin for _, pin in sorted(self.book.pins.get(server, {}).items())]

    async def pin(self, pins: Sequence[ToolPin], *, replacing: bool) -> None:
        for pin in pins:
            mine = self.book.pins.setdefault(pin.server, {})
            if replacing or pin.tool not in mine:
                mine[pin.tool] = pin

    async def unpin(self, server: str, tools: Sequence[str]) -> None:
        for tool in tools:
            self.book.pins.get(server, {}).pop(tool, None)

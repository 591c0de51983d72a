"""What each tenant can call: the tools of the installation, those of servers it is connected to, and those the tenant has registered."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol
from weakref import WeakValueDictionary

from domain.errors import DatabaseError, Problem, ToolNotFound, ValidationError
from domain.ids import TenantId
from domain.json import Json, JsonObject
from domain.ports.tools import RegisteredTools, ToolContext
from domain.tool import Tool, ToolExecutionResult
from infrastructure.tools.calling import CheckedTool
from infrastructure.tools.guarded import AGAIN_SECONDS, Guard
from infrastructure.tools.nearest import no_tool
from infrastructure.tools.shelves import MadeTools, Shelf, reserved

if TYPE_CHECKING:  # loaded with the first tool that is asked for
    from infrastructure.tools.described import Described
    from infrastructure.tools.registry import InstalledTools

MOST_TENANTS: Final = 1_000
MOST_DOCUMENTS: Final = 200_000
"""Of all tenants that are remembered."""
SLICE_SECONDS: Final = 0.01
"""So long making tools for a list holds the loop."""
log = logging.getLogger(__name__)


async def _as_it_was() -> None:
    """Nothing is registered here."""


class ToolSource(Protocol):
    """Tools that come and go while a process runs."""

    def of(self, tenant: TenantId) -> "ToolSource":
        """What of it this tenant may use."""

    def tools(self) -> Mapping[str, CheckedTool]:
        """By name, as they are now."""

    def why_not(self, name: str) -> str:
        """Why there is no such tool, where it is known; else ""."""

    async def look(self) -> None:
        """Wait for the first look, a few seconds at most."""


@dataclass(frozen=True, slots=True)
class TenantTools:
    """`domain.ports.tools.Tools`, behind the gate. `own`: what the tenant registered, and why not, where that cannot be used; a name of the
    installation comes first, then one of a server. `look`: brings `own` up to date, before each call of what may be in it."""

    installed: "InstalledTools"
    others: Sequence[ToolSource]
    own: Mapping[str, CheckedTool | str]
    guard: Guard
    look: Callable[[], Awaitable[None]] = _as_it_was

    async def call(self, name: str, arguments: JsonObject, context: ToolContext) -> ToolExecutionResult:
        found = self._of_no_tenant(name)
        if found is None:
            await self._looked(is_patient=context.run is not None)
            found = self._find(name)
        return await self.guard.call(found, arguments, context)

    def get(self, name: str) -> Tool:
        return self._find(name).tool

    def list(self) -> Sequence[Tool]:
        found = {name: one.tool for name, one in self.own.items() if not isinstance(one, str)}
        for source in self.others:
            found |= {name: one.tool for name, one in source.tools().items()}
        found |= {tool.name: tool for tool in self.installed.list()}
        return [found[name] for name in sorted(found)]

    def must_be_allowed(self, name: str, context: ToolContext) -> bool:
        return self.guard.must_not_deny(self.get(name), context)

    async def _looked(self, *, is_patient: bool) -> None:
        """A run waits for its database here as it does everywhere."""
        while True:
            try:
                return await self.look()
            except DatabaseError as error:
                if not is_patient:
                    raise
                log.warning("a call waits for what is registered: %s", error.message)
                await self.guard.clock.sleep(AGAIN_SECONDS)

    def _find(self, name: str) -> CheckedTool:
        found = self._of_no_tenant(name) or self.own.get(name) or self.installed.why_not(name)
        if isinstance(found, CheckedTool):
            return found
        reason = found or next((why for source in self.others if (why := source.why_not(name))), "")
        raise ToolNotFound(reason or no_tool(name, self._names()))

    def _of_no_tenant(self, name: str) -> CheckedTool | None:
        found = self.installed.perhaps(name)
        return found or next((found for source in self.others if (found := source.tools().get(name)) is not None), None)

    def _names(self) -> Sequence[str]:
        return sorted({*self.installed.names(), *self.own, *(name for source in self.others for name in source.tools())})


class Catalog:
    """`domain.ports.tools.ToolCatalog` for one process."""

    def __init__(
        self,
        installed: "InstalledTools",
        described: "Described",
        registered: RegisteredTools,
        guard: Guard,
        others: Sequence[ToolSource] = (),
    ) -> None:
        self._installed, self._described, self._registered = installed, described, registered
        self._guard, self._others = guard, others
        self._made = MadeTools(described)
        self._shelves: OrderedDict[TenantId, Shelf] = OrderedDict()
        self._held: WeakValueDictionary[TenantId, Shelf] = WeakValueDictionary()
        """Also those that only a program still asks."""

    async def of(self, tenant: TenantId, *, waits: bool = True) -> TenantTools:
        others = [source.of(tenant) for source in self._others]
        for source in others if waits else ():
            await source.look()
        shelf = self._shelf(tenant)
        await shelf.look()
        return TenantTools(self._installed, others, shelf, self._guard, shelf.look)

    async def list(self, tenant: TenantId) -> Sequence[Tool]:
        tools, clock = await self.of(tenant), self._guard.clock
        until = clock.monotonic() + SLICE_SECONDS
        for name in list(tools.own):
            tools.own.get(name)
            if clock.monotonic() > until:
                await asyncio.sleep(0)
                until = clock.monotonic() + SLICE_SECONDS
        return tools.list()

    @property
    def installed(self) -> TenantTools:
        """Without what any tenant has registered, and without servers, which are not for everybody."""
        return TenantTools(self._installed, (), {}, self._guard)

    def check(self, document: Json) -> Tool:
        tool = self._described.checked(document).tool
        message = reserved(tool.name)
        if tool.name in self._installed.names():
            message = f"{tool.name} is a tool of this installation: call yours something else"
        if message:
            raise ValidationError(message, [Problem("/name", "name_taken", message)])
        return tool

    def forget(self, tenant: TenantId) -> None:
        shelf = self._held.get(tenant)
        if shelf is not None:
            shelf.forget()

    def _shelf(self, tenant: TenantId) -> Shelf:
        shelf = self._shelves.get(tenant)
        if shelf is None:
            shelf = self._held.get(tenant)
            if shelf is None:  # an empty one is a shelf, too
                shelf = Shelf(tenant, self._registered, self._made, self._guard.clock)
            self._make_room()
            self._shelves[tenant] = self._held[tenant] = shelf
        self._shelves.move_to_end(tenant)
        return shelf

    def _make_room(self) -> None:
        kept = sum(map(len, self._shelves.values()))
        while self._shelves and (len(self._shelves) >= MOST_TENANTS or kept > MOST_DOCUMENTS):
            kept -= len(self._shelves.popitem(last=False)[1])

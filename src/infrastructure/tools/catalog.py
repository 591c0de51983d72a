"""What each tenant can call: the tools of the installation, those of servers it is connected to, and those the tenant has registered."""

import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from domain.errors import FactoryError, Problem, ToolNotFound, ValidationError
from domain.ids import TenantId
from domain.json import Json, JsonObject
from domain.ports.tools import RegisteredTools, ToolContext
from domain.registered import RegisteredTool
from domain.tool import Tool, ToolExecutionResult
from infrastructure.tools.calling import CheckedTool
from infrastructure.tools.guarded import Guard

if TYPE_CHECKING:  # loaded with the first tool that is asked for
    from infrastructure.tools.described import Described
    from infrastructure.tools.registry import InstalledTools

LOOKED_SECONDS: Final = 1.0
"""So long what a tenant has registered is taken for what it still is."""
MOST_TENANTS: Final = 1_000
log = logging.getLogger(__name__)


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
    installation comes first, then one of a server."""

    installed: "InstalledTools"
    others: Sequence[ToolSource]
    own: Mapping[str, CheckedTool | str]
    guard: Guard

    async def call(self, name: str, arguments: JsonObject, context: ToolContext) -> ToolExecutionResult:
        return await self.guard.call(self._find(name), arguments, context)

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

    def _find(self, name: str) -> CheckedTool:
        found = self.installed.perhaps(name) or self._of_others(name) or self.own.get(name) or self.installed.why_not(name)
        if isinstance(found, CheckedTool):
            return found
        reason = found or next((why for source in self.others if (why := source.why_not(name))), "")
        raise ToolNotFound(reason or f"there is no tool {name}; there are {', '.join(tool.name for tool in self.list())}")

    def _of_others(self, name: str) -> CheckedTool | None:
        return next((found for source in self.others if (found := source.tools().get(name)) is not None), None)


@dataclass(frozen=True, slots=True)
class _Made:
    """Of a registered tool; or why it cannot be used, should another version of Weft have taken it."""

    registered: RegisteredTool
    tool: CheckedTool | str


@dataclass(frozen=True, slots=True)
class _Shelf:
    looked_at: float
    made: Mapping[str, _Made]


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
        self._shelves: OrderedDict[TenantId, _Shelf] = OrderedDict()

    async def of(self, tenant: TenantId, *, waits: bool = True) -> TenantTools:
        others = [source.of(tenant) for source in self._others]
        for source in others if waits else ():
            await source.look()
        shelf = self._shelves.get(tenant)
        if shelf is None or self._guard.clock.monotonic() - shelf.looked_at > LOOKED_SECONDS:
            shelf = await self._look(tenant, {} if shelf is None else shelf.made)
        return TenantTools(self._installed, others, {name: one.tool for name, one in shelf.made.items()}, self._guard)

    @property
    def installed(self) -> TenantTools:
        """Without what any tenant has registered, and without servers, which are not for everybody."""
        return TenantTools(self._installed, (), {}, self._guard)

    def check(self, document: Json) -> Tool:
        tool = self._described.checked(document).tool
        if tool.name in self._installed.names():
            message = f"{tool.name} is a tool of this installation: call yours something else"
            raise ValidationError(message, [Problem("/name", "name_taken", message)])
        return tool

    def forget(self, tenant: TenantId) -> None:
        self._shelves.pop(tenant, None)

    async def _look(self, tenant: TenantId, known: Mapping[str, _Made]) -> _Shelf:
        at = self._guard.clock.monotonic()
        now = {one.name: one for one in await self._registered.of(tenant)}
        made = {name: known[name] if name in known and known[name].registered == one else self._made(one) for name, one in now.items()}
        shelf = self._shelves[tenant] = _Shelf(at, made)
        self._shelves.move_to_end(tenant)
        if len(self._shelves) > MOST_TENANTS:
            self._shelves.popitem(last=False)
        return shelf

    def _made(self, one: RegisteredTool) -> _Made:
        try:
            return _Made(one, self._described.checked(one.document))
        except (FactoryError, ValidationError) as error:
            log.warning("the registered tool %s of %s cannot be used", one.name, one.tenant, exc_info=True)
            return _Made(one, f"the tool {one.name} cannot be used any more: {error.message}")

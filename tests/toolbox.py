"""Tools behind the gate, as a process has them, and catalogs that hold what a test puts in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from domain.errors import ToolServerNotFound, ValidationError
from domain.ids import TenantId
from domain.json import Json
from domain.policy import Policy
from domain.ports.audit import AuditTrail
from domain.ports.clock import Clock
from domain.ports.secrets import Redact
from domain.ports.tools import Tools
from domain.tool import Tool
from domain.tool_servers import ToolServer
from infrastructure.memory.limits import MemoryLimits
from infrastructure.schemas import JsonSchemas
from infrastructure.tools.catalog import TenantTools
from infrastructure.tools.guarded import Guard
from infrastructure.tools.limiting import CallLimits
from infrastructure.tools.registry import InstalledTools
from infrastructure.tools.runnable import RunnableTool
from infrastructure.unaudited import Unaudited


def guard_of(clock: Clock, policy: Policy | None = None, trail: AuditTrail | None = None, redact: Redact = str) -> Guard:
    return Guard(policy or Policy(), trail or Unaudited(), CallLimits(MemoryLimits()), lambda tenant: redact, clock)


def tools_of(
    clock: Clock,
    handed_in: Iterable[RunnableTool] = (),
    policy: Policy | None = None,
    trail: AuditTrail | None = None,
    redact: Redact = str,
) -> TenantTools:
    """Every tool of ours, and those handed in."""
    return TenantTools(InstalledTools(JsonSchemas(), clock, handed_in), (), {}, guard_of(clock, policy, trail, redact))


@dataclass(frozen=True, slots=True)
class SameForAll:
    """A catalog of the same tools for every tenant; none can be registered."""

    tools: Tools

    async def of(self, tenant: TenantId, *, waits: bool = True) -> Tools:
        return self.tools

    async def list(self, tenant: TenantId) -> Sequence[Tool]:
        return self.tools.list()

    def check(self, document: Json) -> Tool:
        raise ValidationError("no tools are registered here")

    def forget(self, tenant: TenantId) -> None:
        pass


class NoServers:
    """An installation that is connected to none."""

    async def servers(self) -> Sequence[ToolServer]:
        return ()

    async def approve(self, server: str, digests: Mapping[str, str], by: str) -> Sequence[str]:
        raise ToolServerNotFound(f"there is no server {server}")

    async def forget(self, server: str, tools: Sequence[str]) -> None:
        raise ToolServerNotFound(f"there is no server {server}")

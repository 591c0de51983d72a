"""Calls of tools that no run makes: what they cost stands in the ledger and in the metrics, as that of runs does."""

from dataclasses import dataclass

import structlog

from domain.errors import InfrastructureError
from domain.ids import ActivationPath, Epoch, NewId, RunId, TenantId, ThreadId
from domain.ports.clock import Clock
from domain.ports.meter import Meter
from domain.ports.repositories import UsageLedger
from domain.tool import ToolExecutionResult
from domain.usage import UsageRow

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ChargeByHand:
    ledger: UsageLedger
    meter: Meter
    new_id: NewId
    clock: Clock

    async def __call__(self, tenant: TenantId, tool: str, result: ToolExecutionResult) -> None:
        """After the call. Whoever made it is told what came of it, even where this cannot be kept."""
        used = result.used_by(tool)
        if used is None:
            return
        about = (tenant, ThreadId(""), RunId(""), "", ActivationPath(f"/call#{self.new_id()}"))
        at = self.clock.now().timestamp()
        lines = [UsageRow(*about, effect, 1, Epoch(0), usage, at=at) for effect, usage in enumerate(used.calls)]
        try:
            await self.ledger.count(lines)
        except InfrastructureError as error:
            log.error("what a call by hand cost could not be counted", tool=tool, reason=error.message)
            return
        for line in lines:
            self.meter.used(tenant, "", line.usage)

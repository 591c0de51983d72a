"""Tools whose calls stand in the history, whoever makes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.history import Capture, HistoryRecord, RecordType
from domain.ids import NewId, TenantId
from domain.json import Json, JsonObject
from domain.ports.clock import Clock
from domain.ports.tools import ToolCatalog, ToolContext, Tools
from domain.tool import Tool, ToolExecutionResult
from infrastructure.history.writing import GroupedHistory, told
from infrastructure.models.documents import money_as_json
from infrastructure.tools.around import AroundTools


@dataclass(frozen=True, slots=True)
class ToolHistory:
    """`usual`: how much is kept of a call that no run makes."""

    history: GroupedHistory
    new_id: NewId
    clock: Clock
    usual: Capture = Capture.ON

    def note(self, facts: JsonObject, content: JsonObject, context: ToolContext) -> None:
        acting = context.acting
        user, session = (None, None) if acting is None else (acting.user_id, acting.session)
        data = {**_place(context), **facts}
        kind, now = RecordType.TOOL_EXECUTION, self.clock.now()
        record = HistoryRecord(self.new_id(), kind, now, context.tenant, context.run, user, session, data=data)
        self.history.note(record, content, self._capture(context))

    def _capture(self, context: ToolContext) -> Capture:
        if context.capture is not None:
            return context.capture
        return self.usual if context.run is None else Capture.OFF


@dataclass
class RecordedTools(AroundTools):
    history: ToolHistory

    async def call(self, name: str, arguments: JsonObject, context: ToolContext) -> ToolExecutionResult:
        began = self.history.clock.monotonic()
        try:
            result = await self.inner.call(name, arguments, context)
        except BaseException as error:
            code, message = told(error)
            seconds = round(self.history.clock.monotonic() - began, 6)
            facts: dict[str, Json] = {"tool": name, "success": False, "seconds": seconds, "error": code}
            self.history.note(facts, {"arguments": arguments, "error": message}, context)
            raise
        self.history.note(_facts(name, result), _content(arguments, result), context)
        return result


class Installed(ToolCatalog, Protocol):
    @property
    def installed(self) -> Tools:
        """Without what any tenant has registered, and without servers."""


@dataclass(frozen=True, slots=True)
class RecordedCatalog:
    """`domain.ports.tools.ToolCatalog`."""

    catalog: Installed
    history: ToolHistory

    @property
    def installed(self) -> Tools:
        return RecordedTools(self.catalog.installed, self.history)

    async def of(self, tenant: TenantId, *, waits: bool = True) -> Tools:
        return RecordedTools(await self.catalog.of(tenant, waits=waits), self.history)

    async def list(self, tenant: TenantId) -> Sequence[Tool]:
        return await self.catalog.list(tenant)

    def check(self, document: Json) -> Tool:
        return self.catalog.check(document)

    def forget(self, tenant: TenantId) -> None:
        self.catalog.forget(tenant)


def _place(context: ToolContext) -> dict[str, Json]:
    """Where in which run, or who outside any."""
    told: dict[str, Json] = {"workflow": context.workflow, "activation": context.activation} if context.run else {"caller": context.caller}
    others = {"agent": context.agent, "approved_by": context.approved_by}
    return told | {name: value for name, value in others.items() if value}


def _facts(name: str, result: ToolExecutionResult) -> dict[str, Json]:
    told: dict[str, Json] = {"tool": name, "success": result.success, "seconds": round(result.execution_time, 6)}
    if result.error is not None:
        told |= {"error": result.error.code, "unknown": result.unknown}
    if result.cost is not None:
        told["cost"] = money_as_json(result.cost)
    return told


def _content(arguments: JsonObject, result: ToolExecutionResult) -> JsonObject:
    if result.error is not None:
        return {"arguments": arguments, "error": result.error.message}
    return {"arguments": arguments, "output": result.output}

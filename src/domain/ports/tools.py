"""Tools: one way in, whatever their type."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.acting import Acting
from domain.ids import RunId, TenantId
from domain.json import JsonObject
from domain.tool import Tool, ToolExecutionResult


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What a tool is told about the call. `idempotency_key` is the same over retries and crashes of one activation. `deadline_seconds`
    from now, or None. `acting`: of a run in a session. `workflow`: the name of the one that runs, "" outside any run."""

    tenant: TenantId
    idempotency_key: str
    run: RunId | None = None
    activation: str = ""
    deadline_seconds: float | None = None
    acting: Acting | None = None
    workflow: str = ""

    def must_be_allowed(self, tool: str) -> None:
        """`Forbidden` when the session of the run does not let it call this tool."""
        if self.acting is not None:
            self.acting.must_be_allowed(tool)


class Tools(Protocol):
    async def call(self, name: str, arguments: JsonObject, context: ToolContext) -> ToolExecutionResult:
        """Check the arguments, run, check what came back. A refusal or failure of the tool is a result with `error`; an unknown name
        raises `ToolNotFound`, naming the known ones."""

    def get(self, name: str) -> Tool:
        """`ToolNotFound` names the known ones."""

    def list(self) -> Sequence[Tool]:
        """By name."""

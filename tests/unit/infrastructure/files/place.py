"""A root of workspaces beside a folder that nobody may reach, with the tools that work in it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from domain.ids import RunId, TenantId, ThreadId
from domain.json import Json
from domain.ports.tools import ToolContext
from domain.tool import ToolExecutionResult
from infrastructure.schemas import JsonSchemas
from infrastructure.tools.builtin.files import file_tools
from infrastructure.tools.calling import CheckedTool
from tests.unit.infrastructure.tool_calls import HandClock

CANARY = "the canary sings"
CONTEXT = ToolContext(TenantId("acme"), "run/write#1/0", RunId("r"), "/write#1", thread=ThreadId("t-1"))


@dataclass(frozen=True)
class Place:
    base: Path
    tools: Mapping[str, CheckedTool]

    @classmethod
    def at(cls, base: Path) -> "Place":
        (base / "outside").mkdir()
        (base / "outside" / "canary.txt").write_text(CANARY)
        return cls(base, {one.tool.name: CheckedTool.of(one, JsonSchemas()) for one in file_tools(base / "root")})

    @property
    def workspace(self) -> Path:
        return self.base / "root" / "acme" / "thread-t-1"

    @property
    def canary(self) -> Path:
        return self.base / "outside" / "canary.txt"

    async def call(self, name: str, context: ToolContext = CONTEXT, **arguments: Json) -> ToolExecutionResult:
        return await self.tools[name].call(arguments, context, HandClock())

    async def made(self, name: str, context: ToolContext = CONTEXT, **arguments: Json) -> Any:
        result = await self.call(name, context, **arguments)
        assert result.error is None, result.error
        return result.output

    async def refused(self, name: str, context: ToolContext = CONTEXT, **arguments: Json) -> str:
        result = await self.call(name, context, **arguments)
        assert result.error is not None, f"it answered {result.output}"
        return result.error.code

    def outside(self) -> dict[str, tuple[object, ...]]:
        """Everything beside the workspace, as it stands."""
        found: dict[str, tuple[object, ...]] = {}
        for folder, folders, files in os.walk(self.base):
            if Path(folder) == self.workspace:
                folders.clear()
                continue
            for name in files:
                path = Path(folder, name)
                status = path.lstat()
                found[str(path)] = (path.read_bytes(), status.st_mtime_ns, status.st_mode, status.st_size)
            found |= {str(Path(folder, name)): () for name in folders}
        return found


def as_another(**changed: Any) -> ToolContext:
    return replace(CONTEXT, **changed)

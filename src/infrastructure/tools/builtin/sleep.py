"""`sleep`: waits while it holds its slot, as work would. A run that only has to wait is better served by the node kind `wait`."""

from collections.abc import Mapping
from typing import Final, cast

from domain.json import Json, JsonObject
from domain.ports.clock import Clock
from domain.ports.tools import ToolContext
from domain.tool import Tool, ToolMetadata, ToolType
from infrastructure.tools.runnable import RunnableTool

MAX_SECONDS: Final = 3600

_SECONDS: Final[JsonObject] = {"type": "number", "minimum": 0, "maximum": MAX_SECONDS}
TOOL: Final = Tool(
    name="sleep",
    tool_type=ToolType.BUILTIN,
    metadata=ToolMetadata("Stands for work that takes so many seconds: it waits, and is busy while it waits.", tags=("simulation",)),
    parameters={"type": "object", "properties": {"seconds": _SECONDS}, "required": ["seconds"], "additionalProperties": False},
    returns={"type": "object", "properties": {"seconds": _SECONDS}, "required": ["seconds"], "additionalProperties": False},
    examples=({"arguments": {"seconds": 0}, "output": {"seconds": 0}},),
)


def sleep(clock: Clock) -> RunnableTool:
    async def wait(arguments: Mapping[str, Json], context: ToolContext) -> Json:
        seconds = cast(float, arguments["seconds"])
        await clock.sleep(seconds)
        return {"seconds": seconds}

    return RunnableTool(TOOL, wait)

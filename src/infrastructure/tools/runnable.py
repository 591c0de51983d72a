"""A tool as the registry runs it: what it is, and one coroutine function that does it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from domain.json import Json
from domain.ports.tools import ToolContext
from domain.tool import Tool

Run: TypeAlias = Callable[[dict[str, Json], ToolContext], Awaitable[object]]
"""Takes arguments that fit the tool's schema, its own copy; returns what should be JSON, or raises."""


@dataclass(frozen=True, slots=True)
class RunnableTool:
    tool: Tool
    run: Run

"""A tool as the registry runs it: what it is, and one coroutine function that does it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec, TypeAlias, TypeVar

from domain.json import Json
from domain.ports.tools import ToolContext
from domain.tool import Tool

P = ParamSpec("P")
R = TypeVar("R")

Run: TypeAlias = Callable[[dict[str, Json], ToolContext], Awaitable[object]]
"""Takes arguments that fit the tool's schema, its own copy; returns what should be JSON, or raises."""


@dataclass(frozen=True, slots=True)
class RunnableTool:
    tool: Tool
    run: Run


def in_a_thread(function: Callable[P, R]) -> Callable[P, Awaitable[R]]:
    """A plain function as a coroutine function. A caller that stops waiting does not stop the thread."""

    @wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except StopIteration as error:
            # A future cannot carry it: whoever waits for the thread would wait for ever.
            raise RuntimeError(f"StopIteration: {error}") from error

    @wraps(function)
    async def run(*args: P.args, **kwargs: P.kwargs) -> R:
        return await asyncio.to_thread(guarded, *args, **kwargs)

    return run

"""Tools that compute for long run in processes of their own: there they hold up nobody, and can be stopped at any moment."""

import asyncio
import atexit
import multiprocessing
import os
from collections.abc import Awaitable, Callable
from functools import cache, wraps
from typing import ParamSpec, TypeVar

from pebble import ProcessExpired, ProcessPool

from domain.errors import ToolError

P = ParamSpec("P")
R = TypeVar("R")


def in_a_process(function: Callable[P, R]) -> Callable[P, Awaitable[R]]:
    """A plain function of a module as a coroutine function. A caller that stops waiting stops the process.

    `ToolError` `tool_died` when the process ends without an answer (out of memory, a fault in a C library).
    """

    @wraps(function)
    async def run(*args: P.args, **kwargs: P.kwargs) -> R:
        # Closing over nothing: the function is found again by its name, on the other side.
        future = _pool().schedule(function, args=list(args), kwargs=dict(kwargs))
        try:
            answer: R = await asyncio.wrap_future(future)
        except ProcessExpired as error:
            raise ToolError(f"its process ended without an answer (exit code {error.exitcode})", "tool_died") from error
        return answer

    return run


@cache
def _pool() -> ProcessPool:
    """As many processes as processors, made when they are needed first."""
    pool = ProcessPool(max_workers=os.cpu_count() or 1, context=multiprocessing.get_context("spawn"))
    atexit.register(_close, pool)
    return pool


def _close(pool: ProcessPool) -> None:
    pool.stop()  # type: ignore[no-untyped-call]
    pool.join()

"""Tools that compute for long run in processes of their own: there they hold up nobody, and can be stopped at any moment."""

import asyncio
import atexit
import logging
import multiprocessing
import os
import pickle
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cache, wraps
from typing import Final, ParamSpec, TypeVar

from pebble import ProcessExpired, ProcessPool

from domain.errors import ToolError
from infrastructure.tools.lines import LOGGERS
from infrastructure.tools.overhearing import Ears, Told, open_mouth

P = ParamSpec("P")
R = TypeVar("R")
MOST_BYTES: Final = 64 * 1024 * 1024


def in_a_process(function: Callable[P, R]) -> Callable[P, Awaitable[R]]:
    """A plain function of a module as a coroutine function. A caller that stops waiting stops the process.

    `ToolError` `tool_died` when the process ends without an answer (out of memory, a fault in a C library).
    """

    @wraps(function)
    async def run(*args: P.args, **kwargs: P.kwargs) -> R:
        # Closing over nothing: the function is found again by its name, on the other side.
        future = _pool().schedule(_written, args=[function, args, kwargs])
        try:
            written: bytes = await asyncio.wrap_future(future)
        except ProcessExpired as error:
            raise ToolError(f"its process ended without an answer (exit code {error.exitcode})", "tool_died") from error
        answer: R = pickle.loads(written)  # noqa: S301 - a process of ours wrote it
        return answer

    return run


def _written(function: Callable[..., object], args: Sequence[object], kwargs: Mapping[str, object]) -> bytes:
    """Over there. What is far too large to be let in does not come over here at all."""
    written = pickle.dumps(function(*args, **kwargs), protocol=pickle.HIGHEST_PROTOCOL)
    if len(written) > MOST_BYTES:
        raise ToolError(f"it returned {len(written):,} bytes: out of a process come {MOST_BYTES:,} at most", "output_too_large")
    return written


def heard(tell: Callable[[str], None]) -> AbstractContextManager[Told]:
    """What stands for `tell` in a process: it can be sent there, and what is said to it is said to `tell`, from some thread."""
    return _pool_and_ears()[1].hearing(tell)


def _pool() -> ProcessPool:
    return _pool_and_ears()[0]


@cache
def _pool_and_ears() -> tuple[ProcessPool, Ears]:
    """As many processes as processors, made when they are needed first."""
    spawning = multiprocessing.get_context("spawn")
    ours, theirs = spawning.Pipe(duplex=False)
    level = logging.getLogger(LOGGERS).getEffectiveLevel()
    pool = ProcessPool(max_workers=os.cpu_count() or 1, context=spawning, initializer=open_mouth, initargs=(theirs, level))
    ears = Ears(ours)
    ears.listen()
    atexit.register(_close, pool)
    return pool, ears


def _close(pool: ProcessPool) -> None:
    pool.stop()  # type: ignore[no-untyped-call]
    pool.join()

"""A deadline that costs nothing where nobody waits: a coroutine that ends in its first step needs no timer."""

import asyncio
from collections.abc import Awaitable, Coroutine, Generator
from contextvars import ContextVar
from types import coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")
_BEGIN_BY: ContextVar[float | None] = ContextVar("_BEGIN_BY", default=None)
BEGINS_WITHIN: Final = 0.9
"""What has not begun by then of its time is not begun: it can say so while somebody listens."""


class Late(Exception):
    """It did not end in time, and was cancelled."""


async def in_time(work: Awaitable[T], seconds: float | None) -> T:
    """`Late` after `seconds` (None: never). A `TimeoutError` is the work's own."""
    token = _BEGIN_BY.set(None if seconds is None else asyncio.get_running_loop().time() + seconds * BEGINS_WITHIN)
    try:
        return await _in_time(work, seconds)
    finally:
        _BEGIN_BY.reset(token)


def begin_by() -> float | None:
    """In the loop's time: when what is done within a deadline must have begun."""
    return _BEGIN_BY.get()


async def _in_time(work: Awaitable[T], seconds: float | None) -> T:
    if seconds is None or not isinstance(work, Coroutine):
        return await _timed(work, None if seconds is None else asyncio.get_running_loop().time() + seconds)
    until = asyncio.get_running_loop().time() + seconds
    try:
        waits_for = work.send(None)
    except StopIteration as done:
        ended: T = done.value
        return ended
    return await _timed(_going_on(work, waits_for), until)


async def _timed(work: Awaitable[T], until: float | None) -> T:
    deadline = asyncio.timeout_at(until)
    try:
        async with deadline:
            return await work
    except TimeoutError:
        if not deadline.expired():
            raise
        raise Late from None


@coroutine
def _going_on(work: Coroutine[object, object, T], waits_for: object) -> Generator[Any, Any, T]:
    """The rest of a coroutine that has begun, and waits for a future."""
    try:
        while True:
            try:
                sent = yield waits_for
            except GeneratorExit:
                work.close()
                raise
            except BaseException as error:
                waits_for = work.throw(error)
            else:
                waits_for = work.send(sent)
    except StopIteration as done:
        ended: T = done.value
        return ended

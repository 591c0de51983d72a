"""Waiting, inside an event loop, for what others do."""

import asyncio
from collections.abc import Callable


async def until(look: Callable[[], bool], what: str, seconds: float = 10.0) -> None:
    """Returns when `look` says so; AssertionError with `what` when it does not in time."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not look():
        assert asyncio.get_running_loop().time() < deadline, f"not within {seconds:g} s: {what}"
        await asyncio.sleep(0.005)

"""Ctrl-C and SIGTERM: the first asks, the second kills."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")


def stopping_signals() -> tuple[signal.Signals, ...]:
    """A process started with `nohup` outlives its terminal."""
    hanging_up = () if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else (signal.SIGHUP,)
    return (signal.SIGINT, signal.SIGTERM, *hanging_up)


@dataclass(slots=True)
class Stop:
    """`asked` is set by the first signal, or by what ends by itself; `signal_number` says which signal it was, 0 while none came."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    signal_number: int = 0

    def receive(self, signal_number: int) -> None:
        if self.signal_number:
            kill_oneself(signal_number)
        self.signal_number = signal_number
        self.asked.set()

    @property
    def exit_code(self) -> int:
        return 128 + self.signal_number


def kill_oneself(signal_number: int) -> None:
    """At once: nothing is closed. A live display may have hidden the cursor."""
    if sys.stderr.isatty():
        os.write(2, b"\x1b[?25h\n")
    os._exit(128 + signal_number)


@contextmanager
def listening_for_signals() -> Iterator[Stop]:
    """On the running event loop, until the block ends."""
    stop = Stop()
    loop = asyncio.get_running_loop()
    signals = stopping_signals()
    for number in signals:
        loop.add_signal_handler(number, stop.receive, number)
    try:
        yield stop
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


@asynccontextmanager
async def given_up_when_stopped(stop: Stop) -> AsyncIterator[None]:
    """Whatever the block waits for is abandoned when a stop is asked for; look at `stop` afterwards."""
    scope = asyncio.timeout(None)
    watching = asyncio.create_task(_end_when_asked(scope, stop))
    try:
        async with scope:
            yield
    except TimeoutError:
        if not scope.expired():
            raise
    finally:
        watching.cancel()


async def _end_when_asked(scope: asyncio.Timeout, stop: Stop) -> None:
    await stop.asked.wait()
    scope.reschedule(0)


async def opened_unless_stopped(stack: AsyncExitStack, opening: AbstractAsyncContextManager[T], stop: Stop) -> T | None:
    """What opens is closed by `stack`; None when a stop was asked for meanwhile."""
    async with given_up_when_stopped(stop):
        return await stack.enter_async_context(opening)
    return None

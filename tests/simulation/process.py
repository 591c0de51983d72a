"""What stands between simulated processes and the world: everything that can strike there has a name and is counted."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from domain.errors import DatabaseError
from tests.virtual_time import VirtualClock

T = TypeVar("T")


class Killed(BaseException):
    """The process is gone: nothing of it runs any more, not even what catches every error."""


@dataclass
class Chaos:
    """Decides what strikes, by a seed. `struck`: how often what did. Nothing strikes before `begin` and after `calm`."""

    rng: random.Random
    rate: float
    struck: Counter[str] = field(default_factory=Counter)
    is_on: bool = True

    def strikes(self, place: str, weight: float = 1.0) -> bool:
        if not self.is_on or self.rng.random() >= self.rate * weight:
            return False
        self.struck[place] += 1
        return True

    def latency(self) -> float:
        return self.rng.choice((0.0, 0.001, 0.002, 0.005, 0.02))


@dataclass(eq=False)
class Process:
    """One simulated process. Killed, it never acts again; paused, it acts again when it is told to go on."""

    name: str
    chaos: Chaos
    is_alive: bool = True
    going: asyncio.Event = field(default_factory=asyncio.Event)
    skew: float = 0.0

    def __post_init__(self) -> None:
        self.going.set()

    async def checkpoint(self) -> None:
        """Nobody comes past here who is stopped or dead."""
        if not self.is_alive:
            raise Killed
        await self.going.wait()
        if not self.is_alive:
            raise Killed

    def kill(self) -> None:
        self.is_alive = False
        self.going.set()

    async def calls(self, place: str, call: Callable[[], Awaitable[Any]]) -> Any:
        """A call over the network to a database that may not hear it, may not be heard, and may be slow."""
        await self.checkpoint()
        await asyncio.sleep(self.chaos.latency())
        await self.checkpoint()
        if self.chaos.strikes(f"{place}: not heard"):
            raise DatabaseError("the connection was cut")
        answer = await call()
        if self.chaos.strikes(f"{place}: answer slow", 0.3):
            await asyncio.sleep(self.chaos.rng.uniform(0.5, 8.0))
        await asyncio.sleep(self.chaos.latency())
        await self.checkpoint()
        if self.chaos.strikes(f"{place}: answer lost"):
            raise DatabaseError("the answer was lost")
        return answer


class Remote:
    """A port as a process reaches it: its coroutine methods go over the network, the others are its own."""

    def __init__(self, port: Any, name: str, process: Process) -> None:
        self._port, self._name, self._process = port, name, process

    def __getattr__(self, method: str) -> Any:
        found = getattr(self._port, method)
        if not asyncio.iscoroutinefunction(found):
            return found

        async def call(*args: Any, **kwargs: Any) -> Any:
            return await self._process.calls(f"{self._name}.{method}", lambda: found(*args, **kwargs))

        return call


class RemoteHints(Remote):
    """The queue or the inbox. A hint that is dropped costs the time until the next look."""

    async def _hint(self, method: str, timeout: float) -> None:
        await self._process.checkpoint()
        if self._process.chaos.strikes(f"{self._name}.{method}: hint dropped", 3.0):
            await asyncio.sleep(timeout)
        else:
            await getattr(self._port, method)(timeout)
        await self._process.checkpoint()

    async def woken(self, timeout: float) -> None:
        await self._hint("woken", timeout)

    async def knocked(self, timeout: float) -> None:
        await self._hint("knocked", timeout)


@dataclass(frozen=True)
class ProcessClock:
    """A process's own idea of the time: what it sleeps ends when the process goes on."""

    process: Process
    clock: VirtualClock = field(default_factory=VirtualClock)

    def now(self) -> datetime:
        return self.clock.now() + timedelta(seconds=self.process.skew)

    def monotonic(self) -> float:
        return self.clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        await self.process.checkpoint()
        await asyncio.sleep(seconds)
        await self.process.checkpoint()


async def insisting(call: Callable[[], Awaitable[T]]) -> T:
    """A client tries until it is answered."""
    while True:
        try:
            return await call()
        except DatabaseError:
            await asyncio.sleep(0.2)


def tell_all_but_the_killed(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    if not isinstance(context.get("exception"), Killed | None):
        loop.default_exception_handler(context)


def bury(loop: asyncio.AbstractEventLoop) -> None:
    """What killed processes left behind."""
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.wait(left, timeout=60))
    loop.close()

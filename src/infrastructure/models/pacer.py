"""Waiting for one's turn at a provider, in a lane that all processes share."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import astuple, dataclass, field
from datetime import UTC, datetime
from typing import Final

import structlog

from domain.errors import DatabaseError, ModelError
from domain.pacing import Lane, Rates, Slot
from domain.ports.clock import Clock
from domain.ports.lanes import Lanes
from infrastructure.memory.lanes import MemoryLanes
from infrastructure.models.failures import model_error

log = structlog.get_logger("infrastructure.models")

LOOKS: Final = 1.0
"""Seconds after which somebody who has no limit looks again whether another process has paused the lane."""
SHORTEST_PAUSE: Final = 0.1
_TRIES: Final = 1_000


@dataclass(frozen=True, slots=True)
class Turn:
    """One that was given: `at`, in seconds since the epoch, for so many tokens."""

    lane: str
    at: float
    tokens: int
    pauses: int


@dataclass(slots=True)
class Pacer:
    """Where the shared lanes cannot be had, this process paces itself: with n processes up to n times as much passes."""

    lanes: Lanes
    clock: Clock
    _own: MemoryLanes = field(default_factory=MemoryLanes)
    _seen: dict[str, tuple[float, Lane]] = field(default_factory=dict)
    _turns: dict[str, asyncio.Lock] = field(default_factory=dict)

    async def turn(self, name: str, rates: Rates, tokens: int, within: float) -> Turn:
        """Returns when it is this call's turn. `model_rate_limited`, at once, when that is more than `within` seconds away. Who is
        cancelled while waiting leaves a gap."""
        until = self._now() + within
        while True:
            if rates.is_free and not await self._is_held_up(name):
                return Turn(name, self._now(), tokens, 0)
            turn = await self._take(name, rates, tokens, until)
            wait = turn.at - self._now()
            if wait <= 0:
                return turn
            await self.clock.sleep(wait)
            if (await self._read(name)).pauses == turn.pauses:
                return turn

    async def settle(self, turn: Turn, rates: Rates, used: int) -> None:
        """What the call used in the end counts, not what it was given."""
        if rates.tokens is not None and used != turn.tokens:
            await self._move(turn.lane, lambda lane: lane.settled(turn.at, used - turn.tokens))

    async def pause(self, name: str, seconds: float) -> None:
        """Nobody goes for so long."""
        now = self._now()
        await self._move(name, lambda lane: lane.paused(now, max(seconds, SHORTEST_PAUSE)))

    async def paused_until(self, name: str) -> datetime | None:
        """None: it is not."""
        until = (await self._read(name)).paused_until
        return datetime.fromtimestamp(until, UTC) if until > self._now() else None

    async def _is_held_up(self, name: str) -> bool:
        seen, lane = self._seen.get(name, (None, Lane()))
        if seen is None or self.clock.monotonic() - seen >= LOOKS:
            lane = await self._read(name)
        return self._now() < lane.trickles_until

    async def _take(self, name: str, rates: Rates, tokens: int, until: float) -> Turn:
        taken: list[Turn] = []

        def take(lane: Lane) -> Lane:
            at, after = lane.turn(rates, tokens, self._now())
            if at > until:
                raise _too_late(name, at - self._now(), is_paused=lane.paused_until > self._now())
            taken.append(Turn(name, at, tokens, lane.pauses))
            return after

        await self._move(name, take)
        return taken[-1]

    async def _read(self, name: str) -> Lane:
        try:
            lane = _lane(await self.lanes.read(name))
        except DatabaseError:
            lane = _lane(await self._own.read(name))
        self._seen[name] = (self.clock.monotonic(), lane)
        return lane

    async def _move(self, name: str, change: Callable[[Lane], Lane]) -> None:
        """One of this process at a time, so that only processes get in each other's way."""
        async with self._turns.setdefault(name, asyncio.Lock()):
            try:
                lane = await _moved(self.lanes, name, change)
            except DatabaseError as error:
                log.warning("a lane of models is paced by this process alone", lane=name, reason=error.message)
                lane = await _moved(self._own, name, change)
            self._seen[name] = (self.clock.monotonic(), lane)

    def _now(self) -> float:
        return self.clock.now().timestamp()


async def _moved(lanes: Lanes, name: str, change: Callable[[Lane], Lane]) -> Lane:
    for _ in range(_TRIES):
        written = await lanes.read(name)
        lane = change(_lane(written))
        if await lanes.swap(name, written, json.dumps(astuple(lane), separators=(",", ":"))):
            return lane
    raise DatabaseError(f"the lane {name} moved {_TRIES} times while it was looked at")


def _lane(written: str | None) -> Lane:
    if written is None:
        return Lane()
    slots, *others = json.loads(written)
    return Lane(tuple(Slot(*slot) for slot in slots), *others)


def _too_late(name: str, wait: float, *, is_paused: bool) -> ModelError:
    why = "its provider asked for a pause" if is_paused else "as many calls as its limits allow are before it"
    advice = "give the alias another model to go on to, raise the limit, or wait longer with `timeout_seconds`"
    return model_error("model_rate_limited", f"{name}: {why}, and its turn comes in {wait:.1f} s: {advice}", wait)

"""How providers are: what each process sees of them, put together for whoever asks."""

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import structlog

from domain.errors import DatabaseError
from domain.model import ProviderHealth
from domain.ports.clock import Clock
from domain.ports.lanes import Lanes
from infrastructure.breaker import Breaker

log = structlog.get_logger("infrastructure.models")

MINUTE: Final = 60.0
TELLS: Final = 5.0
"""Seconds after which a process tells the others what it sees; of an error at once."""
FORGOTTEN: Final = 600.0
"""Seconds after which a process that says nothing is left out."""
_WORST: Final = ("closed", "half_open", "open")
_TRIES: Final = 5

Seen = dict[str, Any]  # JSON: what a process wrote about one lane


@dataclass(slots=True)
class _Lane:
    calls: deque[tuple[float, int]] = field(default_factory=deque)
    error: str = ""
    error_at: float | None = None
    told_at: float = float("-inf")


@dataclass(slots=True)
class Pulse:
    """`process`: a name that no other has."""

    lanes: Lanes
    clock: Clock
    process: str
    _seen: dict[str, _Lane] = field(default_factory=dict)

    async def called(self, breaker: Breaker, tokens: int, error: str = "") -> None:
        """A call is over: what it used, and the code that it failed with."""
        lane, now = self._seen.setdefault(breaker.name, _Lane()), self._now()
        lane.calls.append((now, tokens))
        while lane.calls[0][0] <= now - MINUTE:
            lane.calls.popleft()
        if error:
            lane.error, lane.error_at = error, now
        if error or now - lane.told_at >= TELLS:
            lane.told_at = now
            await self._tell(breaker, lane, now)

    async def of(self, name: str) -> ProviderHealth | None:
        """None: nobody has called it. `DatabaseError` when what others saw cannot be read."""
        now = self._now()
        seen = [one for one in _read(await self.lanes.read(_place(name))).values() if now - one["at"] < FORGOTTEN]
        if not seen:
            return None
        last = max(seen, key=lambda one: one["error_at"] or 0.0)
        fresh = [one for one in seen if now - one["at"] < MINUTE]
        return ProviderHealth(
            max((_state(one, now) for one in seen), key=_WORST.index),
            last["error"],
            None if last["error_at"] is None else datetime.fromtimestamp(last["error_at"], UTC),
            sum(one["requests"] for one in fresh),
            sum(one["tokens"] for one in fresh),
        )

    async def _tell(self, breaker: Breaker, lane: _Lane, now: float) -> None:
        opens = None if breaker.opened_at is None else now + breaker.opened_at + breaker.policy.seconds - self.clock.monotonic()
        said = {
            "at": now,
            "error": lane.error,
            "error_at": lane.error_at,
            "open_until": opens,
            "requests": len(lane.calls),
            "tokens": sum(tokens for _, tokens in lane.calls),
        }
        try:
            for _ in range(_TRIES):
                written = await self.lanes.read(_place(breaker.name))
                others = {process: one for process, one in _read(written).items() if now - one["at"] < FORGOTTEN}
                if await self.lanes.swap(_place(breaker.name), written, json.dumps({**others, self.process: said})):
                    return
        except DatabaseError as error:  # calls of models do not wait for what is only shown
            log.warning("how a provider is could not be told", lane=breaker.name, reason=error.message)

    def _now(self) -> float:
        return self.clock.now().timestamp()


def _place(name: str) -> str:
    return f"health:{name}"


def _read(written: str | None) -> Mapping[str, Seen]:
    return {} if written is None else json.loads(written)


def _state(one: Seen, now: float) -> str:
    until = one["open_until"]
    if until is None:
        return "closed"
    return "open" if until > now else "half_open"

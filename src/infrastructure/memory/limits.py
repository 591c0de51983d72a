"""Rate limits of one process."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from domain.ports.limits import Rate, Verdict


@dataclass(slots=True)
class MemoryLimits:
    """For each key one number: when all that was done would have been done at an even pace. Remembers `most` keys."""

    most: int = 100_000
    now: Callable[[], float] = time.monotonic
    _even: OrderedDict[str, float] = field(default_factory=OrderedDict)

    async def hit(self, key: str, rate: Rate) -> Verdict:
        now, pace = self.now(), rate.seconds / rate.limit
        even = max(self._even.get(key, now), now)
        early = even + pace - now - rate.seconds
        if early > rate.seconds * 1e-9:
            return Verdict(allowed=False, retry_after=early)
        self._even[key] = even + pace
        self._even.move_to_end(key)
        if len(self._even) > self.most:
            self._even.popitem(last=False)
        return Verdict(allowed=True)

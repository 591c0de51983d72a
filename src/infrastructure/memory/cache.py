"""A cache of one process."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class MemoryCache:
    """`ttl` in seconds, where whoever sets a value does not say. Holds `most` values of `most_bytes` together; the least recently used go
    first."""

    ttl: float
    most: int = 10_000
    most_bytes: int = 64 * 1024 * 1024
    now: Callable[[], float] = time.monotonic
    _kept: OrderedDict[str, tuple[float, bytes]] = field(default_factory=OrderedDict)
    _bytes: int = 0

    async def get(self, key: str) -> bytes | None:
        until, value = self._kept.get(key, (0.0, None))
        if value is None:
            return None
        if until <= self.now():
            self._drop(key)
            return None
        self._kept.move_to_end(key)
        return value

    async def set(self, key: str, value: bytes, seconds: float | None = None) -> None:
        self._drop(key)
        if len(value) > self.most_bytes:
            return
        self._kept[key] = (self.now() + (self.ttl if seconds is None else seconds), value)
        self._bytes += len(value)
        while len(self._kept) > self.most or self._bytes > self.most_bytes:
            self._drop(next(iter(self._kept)))

    def clear(self) -> None:
        self._kept.clear()
        self._bytes = 0

    def _drop(self, key: str) -> None:
        if key in self._kept:
            self._bytes -= len(self._kept.pop(key)[1])

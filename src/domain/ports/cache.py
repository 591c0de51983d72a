"""What may be forgotten at any moment: it saves time, and is never the only place where something stands."""

from typing import Protocol


class Cache(Protocol):
    async def get(self, key: str) -> bytes | None:
        """What was set, unless its time is over or it was forgotten. Never fails."""

    async def set(self, key: str, value: bytes, seconds: float | None = None) -> None:
        """From now on for so long; None: for the cache's own time. The last of two wins. Never fails."""

"""Lanes of one process."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class MemoryLanes:
    _written: dict[str, str] = field(default_factory=dict)

    async def read(self, name: str) -> str | None:
        return self._written.get(name)

    async def swap(self, name: str, before: str | None, after: str) -> bool:
        if self._written.get(name) != before:
            return False
        self._written[name] = after
        return True

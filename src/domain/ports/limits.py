"""How often something may be done. Protection, not accounting: money and tokens are counted in the store."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Rate:
    """`limit` (1 or more) in `seconds`: so many at once, then evenly one every `seconds / limit`."""

    limit: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """`retry_after`: seconds until the next one is allowed; 0 when this one was."""

    allowed: bool
    retry_after: float = 0.0


class Limits(Protocol):
    async def hit(self, key: str, rate: Rate) -> Verdict:
        """May it be done now? What is refused is not counted. Never fails; of two at once for one place one is refused."""

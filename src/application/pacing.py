"""How often a caller may ask: protection of the service, shared by its processes where they can."""

from dataclasses import dataclass

from domain.errors import RateLimited
from domain.ports.limits import Limits, Rate


@dataclass(frozen=True, slots=True)
class Pace:
    """`rate` None: as often as they like."""

    limits: Limits
    rate: Rate | None = None

    async def __call__(self, caller: str) -> None:
        """`caller`: whoever it is that must not ask too often. `RateLimited`, with when to come again, when it did."""
        if self.rate is None:
            return
        verdict = await self.limits.hit(f"requests:{caller}", self.rate)
        if not verdict.allowed:
            sentence = f"more than {self.rate.limit} requests in {self.rate.seconds:g} seconds: wait for {verdict.retry_after:.1f} seconds"
            raise RateLimited(sentence, retry_after=verdict.retry_after)

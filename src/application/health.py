"""Is everything there that a request or a run needs?"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import structlog

from application.views import View
from domain.errors import WeftError
from domain.ports.repositories import Health

log = structlog.get_logger(__name__)


class PartView(View):
    """`reason` is empty when the part is ready, else says what to do. One that is not needed may be away: then work goes on, slower."""

    ready: bool
    reason: str = ""
    needed: bool = True


class ReadinessView(View):
    """`degraded`: everything needed is there, and something else is not."""

    ready: bool
    degraded: bool = False
    parts: dict[str, PartView]


@dataclass(frozen=True, slots=True)
class CheckReadiness:
    """Asks every part at once; one that does not answer within `seconds` is not ready. What is in `spared` is asked and not needed."""

    parts: Mapping[str, Callable[[], Awaitable[Health]]]
    seconds: float = field(default=2.0)
    spared: Mapping[str, Callable[[], Awaitable[Health]]] = field(default_factory=dict)

    async def __call__(self) -> ReadinessView:
        asked = {**self.parts, **self.spared}
        answers = await asyncio.gather(*(self._ask(name, check) for name, check in asked.items()))
        parts = dict(zip(asked, answers, strict=True))
        ready = all(part.ready for part in answers if part.needed)
        return ReadinessView(ready=ready, degraded=ready and not all(part.ready for part in answers), parts=parts)

    async def _ask(self, name: str, check: Callable[[], Awaitable[Health]]) -> PartView:
        needed = name in self.parts
        try:
            async with asyncio.timeout(self.seconds):
                health = await check()
        except TimeoutError:
            return PartView(ready=False, reason=f"no answer within {self.seconds:g} seconds", needed=needed)
        except WeftError as error:
            log.warning("part not ready", part=name, code=error.code, reason=error.message)
            return PartView(ready=False, reason=f"it failed with {error.code}: see the log", needed=needed)
        return PartView(ready=health.ready, reason=health.reason, needed=needed)

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
    """`reason` is empty when the part is ready, else says what to do."""

    ready: bool
    reason: str = ""


class ReadinessView(View):
    ready: bool
    parts: dict[str, PartView]


@dataclass(frozen=True, slots=True)
class CheckReadiness:
    """Asks every part at once; one that does not answer within `seconds` is not ready."""

    parts: Mapping[str, Callable[[], Awaitable[Health]]]
    seconds: float = field(default=2.0)

    async def __call__(self) -> ReadinessView:
        answers = await asyncio.gather(*(self._ask(name, check) for name, check in self.parts.items()))
        return ReadinessView(ready=all(part.ready for part in answers), parts=dict(zip(self.parts, answers, strict=True)))

    async def _ask(self, name: str, check: Callable[[], Awaitable[Health]]) -> PartView:
        try:
            async with asyncio.timeout(self.seconds):
                health = await check()
        except TimeoutError:
            return PartView(ready=False, reason=f"no answer within {self.seconds:g} seconds")
        except WeftError as error:
            log.warning("part not ready", part=name, code=error.code, reason=error.message)
            return PartView(ready=False, reason=f"it failed with {error.code}: see the log")
        return PartView(ready=health.ready, reason=health.reason)

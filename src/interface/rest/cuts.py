"""What a reader is told when its stream ends before its time."""

import asyncio
import json
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Final

import structlog

from application.batches import Slow
from application.errors import DomainError, Family, ReaderTooSlow, WeftError, oldest_of
from interface.rest.problems import STATUS

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Cut:
    """`code` and `detail` as a problem has them; `oldest`: of a cursor whose rows are gone, where to start again."""

    status: int
    code: str
    detail: str
    oldest: int | None = None

    @classmethod
    def of(cls, error: WeftError, path: str) -> "Cut":
        """What lies with the service is logged, and said in general words."""
        told = isinstance(error, DomainError) and error.family is not Family.INTERNAL
        if not told:
            log.error("stream cut", code=error.code, path=path, exc_info=error)
        detail = error.message if told else "the service cannot do this just now; try again in a few seconds"
        return cls(STATUS[error.family], error.code, detail, oldest_of(error))

    def json(self, **more: str) -> str:
        oldest = {} if self.oldest is None else {"oldest": self.oldest}
        return json.dumps({**more, "code": self.code, "detail": self.detail, **oldest})


@dataclass(frozen=True, slots=True)
class Patience:
    """With a reader that does not take what is sent. `seconds` None: without end, since the connection holds up nobody else."""

    seconds: float | None = None

    @classmethod
    def of(cls, slow: Slow, seconds: float) -> "Patience":
        return cls(seconds if slow is Slow.DISCONNECT else None)

    async def wait_for(self, sending: Awaitable[None]) -> None:
        """`ReaderTooSlow` when it has not been sent by then."""
        if self.seconds is None:
            await sending
            return
        try:
            async with asyncio.timeout(self.seconds):
                await sending
        except TimeoutError:
            raise ReaderTooSlow(f"nothing was read for {self.seconds:g} seconds: come back with the last position") from None


FOREVER: Final = Patience()

"""Requests that come with an idempotency key: done once, and answered again for a day."""

import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue

from domain.access import Principal
from domain.ports.clock import Clock
from domain.ports.repositories import IdempotencyMark, Marks

_UNDER_WAY: Final = ""


def digest_of(what: str, body: JsonValue) -> str:
    """Hex SHA-256 of a request: the same for requests that ask for the same."""
    canonical = json.dumps({what: body}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Once:
    """A key that came before with another request is `IdempotencyConflict`."""

    marks: Marks
    clock: Clock

    async def named(self, who: Principal, key: str, digest: str, name: str) -> str:
        """The name for what the request makes: this one, or the one it was given when the key came first."""
        return await self.marks.take(who.tenant, self.mark(key, digest), name)

    async def known(self, who: Principal, key: str, digest: str) -> str | None:
        """What was named or told when the key came; None when it has not come within its time."""
        return await self.marks.known(who.tenant, self.mark(key, digest))

    async def done(self, who: Principal, key: str, digest: str, act: Callable[[], Awaitable[str]]) -> str:
        """What `act` told, now or when the key came first. It acts again when that time it did not get to its end."""
        mark = self.mark(key, digest)
        told = await self.marks.take(who.tenant, mark, _UNDER_WAY)
        return told or await self.marks.settle(who.tenant, mark, await act())

    def mark(self, key: str, digest: str) -> IdempotencyMark:
        return IdempotencyMark(key, digest, self.clock.now())

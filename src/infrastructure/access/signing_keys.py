"""The keys that tokens are checked with, as their owner publishes them: kept for a while, and looked at again when an unknown one is named.

Whoever sends tokens decides what they name. So an unknown name leads to one look a minute at most, whatever comes.
"""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from domain.errors import TokenKeysUnavailable
from domain.ports.clock import Clock
from infrastructure.access.key_documents import BadKeys, SigningKey, keys_in
from infrastructure.outgoing.addresses import Refused
from infrastructure.outgoing.messages import Ask, Asks, NotAnswered

Fetch = Callable[[], Awaitable[bytes]]
FRESH_SECONDS: Final = 600.0
"""So long keys are used without another look: one that was withdrawn opens nothing after that."""
KEPT_SECONDS: Final = 86_400.0
"""So long they are used when nobody can look."""
PAUSE_SECONDS: Final = 60.0
MOST_BYTES: Final = 1024 * 1024
FETCH_SECONDS: Final = 10.0
log = logging.getLogger(__name__)


class SigningKeys:
    """Many at once share one look. What was there stays in use while somebody looks."""

    def __init__(self, fetch: Fetch, clock: Clock, known: Sequence[SigningKey] = ()) -> None:
        self._fetch, self._clock = fetch, clock
        self._known = known
        self._as_of = clock.monotonic() if known else -math.inf
        self._looked_at = -math.inf
        self._looking = asyncio.Lock()

    async def named(self, kid: str, algorithm: str) -> Sequence[SigningKey]:
        """Those that a token which names `kid` ("": none) may have been signed with; none when it names an unknown one.

        `TokenKeysUnavailable` when there are no keys that could be relied on."""
        found = self._find(kid, algorithm)
        if not found or self._age() > FRESH_SECONDS:
            await self._look()
            found = self._find(kid, algorithm)
        if self._age() > KEPT_SECONDS:
            raise TokenKeysUnavailable("the keys that tokens are checked with cannot be had: look at WEFT_JWT_KEYS and the log")
        return found

    def _find(self, kid: str, algorithm: str) -> Sequence[SigningKey]:
        return [key for key in self._known if key.algorithm == algorithm and (not kid or key.kid in ("", kid))]

    def _age(self) -> float:
        return self._clock.monotonic() - self._as_of

    async def _look(self) -> None:
        if self._looking.locked() and self._known and self._age() <= KEPT_SECONDS:
            return  # somebody looks; until then it is as it was
        async with self._looking:
            now = self._clock.monotonic()
            if now - self._looked_at < PAUSE_SECONDS:
                return
            self._looked_at = now
            try:
                self._known = keys_in(await self._fetch())
            except (BadKeys, OSError, NotAnswered, Refused) as error:
                log.warning("the keys that tokens are checked with cannot be read: %s", error)
            else:
                self._as_of = now


def from_url(url: str, door: Asks) -> Fetch:
    async def fetch() -> bytes:
        answer = await door.ask(Ask(url, headers={"Accept": "application/json"}, seconds=FETCH_SECONDS, most=MOST_BYTES))
        if answer.status != 200:
            raise BadKeys(f"{url} answered {answer.status}")
        return answer.body

    return fetch

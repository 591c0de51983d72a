"""Sending over HTTP: one try in bounded time, to an address that was checked, and no further."""

import time
from collections.abc import Mapping
from typing import Final

from domain.ports.clock import Clock
from domain.webhook import Attempt
from infrastructure.outgoing.addresses import Addresses, Refused
from infrastructure.outgoing.door import Door
from infrastructure.outgoing.messages import Ask, NotAnswered

SECONDS: Final = 10.0
"""For a whole try, from the look-up of the name to what is kept of the answer."""
KEPT_BYTES: Final = 4 * 1024


class HttpSender:
    """No redirects: an address was agreed on, and what is sent is signed for it."""

    def __init__(self, addresses: Addresses, clock: Clock, seconds: float = SECONDS) -> None:
        self._door, self._clock, self._seconds = Door(addresses), clock, seconds

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Attempt:
        at, began = self._clock.now(), time.perf_counter()
        status, error, answer = None, "", ""
        ask = Ask(url, "POST", headers, body, self._seconds, KEPT_BYTES, cut=True, unpacked=False, redirects=0)
        try:
            answered = await self._door.ask(ask)
            status, answer = answered.status, _text(answered.body)
        except (Refused, NotAnswered) as failed:
            error = str(failed)
        return Attempt(at, round(time.perf_counter() - began, 6), status, error[:1_000], answer)


def _text(kept: bytes) -> str:
    """Without what no database keeps."""
    return kept.decode("utf-8", "replace").replace("\x00", "\ufffd")

"""Tokens for credentials (OAuth 2.0, RFC 6749, 4.4): asked for once, kept until shortly before they end."""

import asyncio
import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote_plus, urlencode

from domain.errors import ToolError
from domain.ids import TenantId
from domain.ports.clock import Clock
from domain.ports.secrets import Secrets
from domain.ports.tools import ToolContext
from infrastructure.outgoing.addresses import Refused, place_of
from infrastructure.outgoing.messages import Answer, Ask, Asks, NotAnswered
from infrastructure.outgoing.passing import PASSES, is_passing
from infrastructure.tools.rest.credentials import OAuth2
from infrastructure.tools.rest.templates import Given

MOST_KEPT: Final = 1_000
SECONDS: Final = 30.0
_MOST_BYTES: Final = 64 * 1024
_EARLIER: Final = 0.9
"""Of the time it is good for, a token is used so much."""
_LASTS: Final = 60.0
"""Where its server does not say."""
_LONGEST: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class _Kept:
    token: str = field(repr=False)
    until: float


@dataclass(slots=True)
class _Slot:
    """`asking`: held by whoever asks for a token, while others wait for it."""

    asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    kept: _Kept | None = None


@dataclass(frozen=True, slots=True)
class Tokens:
    door: Asks
    secrets: Secrets
    clock: Clock
    _slots: dict[tuple[TenantId, OAuth2], _Slot] = field(default_factory=dict)

    async def token(self, oauth2: OAuth2, origin: str, context: ToolContext, seconds: float) -> str:
        """One that is sent to `origin`, within so many seconds. `SecretRefused` when a secret that it is got with may not go there: with
        the token goes what the secret opens. `ToolError` with code `auth_failed` when there is none: the tool itself has not been called
        then."""
        for name in sorted(oauth2.secrets()):
            self.secrets.must_be_for(name, context.tenant, origin)
        try:
            async with asyncio.timeout(seconds):
                return await self._kept(oauth2, context)
        except TimeoutError:
            raise _failed(place_of(oauth2.token_url).host, f"no answer within {seconds:g} s", True) from None

    def forget(self, oauth2: OAuth2, tenant: TenantId) -> None:
        """It was refused."""
        self._slot((tenant, oauth2)).kept = None

    async def _kept(self, oauth2: OAuth2, context: ToolContext) -> str:
        slot = self._slot((context.tenant, oauth2))
        async with slot.asking:
            if slot.kept is None or slot.kept.until <= self.clock.monotonic():
                slot.kept = await self._new(oauth2, context)
            return slot.kept.token

    def _slot(self, key: tuple[TenantId, OAuth2]) -> _Slot:
        if key not in self._slots and len(self._slots) >= MOST_KEPT:
            del self._slots[next(iter(self._slots))]
        return self._slots.setdefault(key, _Slot())

    async def _new(self, oauth2: OAuth2, context: ToolContext) -> _Kept:
        place = place_of(oauth2.token_url)
        host = place.host
        secrets = {name: await self.secrets.get(name, context.tenant, place.origin) for name in sorted(oauth2.secrets())}
        began = self.clock.monotonic()
        try:
            answer = await self.door.ask(_ask(oauth2, Given({}, secrets)))
        except (Refused, NotAnswered) as error:
            raise _failed(host, str(error), isinstance(error, NotAnswered) and error.code in PASSES) from None
        token, lasts = _read(host, answer)
        return _Kept(token, began + lasts * _EARLIER)


def _ask(oauth2: OAuth2, given: Given) -> Ask:
    client, secret = str(oauth2.client_id.text(given)), str(oauth2.client_secret.text(given))
    form = {"grant_type": "client_credentials", **({"scope": oauth2.scope} if oauth2.scope else {})}
    headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
    if oauth2.in_body:
        form |= {"client_id": client, "client_secret": secret}
    else:
        pair = f"{quote_plus(client)}:{quote_plus(secret)}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode('ascii')}"
    return Ask(oauth2.token_url, "POST", headers, urlencode(form).encode("ascii"), SECONDS, _MOST_BYTES, redirects=0)


def _read(host: str, answer: Answer) -> tuple[str, float]:
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        found = None
    said = found if isinstance(found, Mapping) else {}
    token, lasts = said.get("access_token"), said.get("expires_in")
    if answer.status != 200 or not isinstance(token, str) or not token:
        error = said.get("error")
        reason = f"it answered {answer.status}{f', {error[:80]}' if isinstance(error, str) else ''}"
        raise _failed(host, reason, is_passing(answer.status))
    if isinstance(lasts, int | float) and not isinstance(lasts, bool) and lasts > 0:
        return token, min(float(lasts), _LONGEST)
    return token, _LASTS


def _failed(host: str, reason: str, is_retryable: bool) -> ToolError:
    return ToolError(f"{host} gives no token: {reason}", "auth_failed", retryable=is_retryable)

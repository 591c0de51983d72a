"""Requests on the audit trail: whatever changes something, and whatever was denied."""

import asyncio
from dataclasses import dataclass, field
from typing import Final

from domain.access import Principal
from domain.audit import Deed
from domain.ids import DEFAULT_TENANT
from domain.json import Json
from domain.policy import Effect
from domain.ports.audit import AuditTrail
from domain.ports.clock import Clock
from domain.words import shown

STRANGER: Final = "unknown key"
MOST_STRANGERS: Final = 60
MINUTE: Final = 60.0
LONGEST: Final = 1_000
CALLED: Final = "mcp.call"
_LONGEST_ID: Final = 64
_READING: Final = {"GET", "HEAD", "OPTIONS", "WEBSOCKET"}
_DENIED: Final = {401, 403}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request and what came of it. `route`: its template, "" when it reached none. `status`: None when whoever asked went before an
    answer. `refusal`: why it was refused, in words that name no key."""

    method: str
    route: str
    path: str
    status: int | None
    request_id: str
    refusal: str = ""

    @property
    def is_denied(self) -> bool:
        return self.status in _DENIED

    def deed(self, who: Principal | None, clock: Clock) -> Deed:
        about: dict[str, Json] = {"status": self.status, "request_id": self.request_id}
        effect, tenant = Effect.DENY if self.is_denied else Effect.ALLOW, DEFAULT_TENANT if who is None else who.tenant
        name, source = (STRANGER, "keys") if who is None else (who.name, f"role {who.role.value}")
        action = f"{self.method} {self.route}".rstrip()
        return Deed(tenant, clock.now(), name, action, self.path[:LONGEST], effect.value, self.refusal[:LONGEST], source, about)


@dataclass(frozen=True, slots=True)
class Called:
    """A call over the Model Context Protocol and what came of it. `offered`: the name that was called, whatever it says. `run`: the one
    that it started or was about. `error`: its code, "" where all went well. `refusal`: why it was denied, in words; "" when it was not."""

    offered: str
    run: str = ""
    error: str = ""
    refusal: str = ""

    def deed(self, who: Principal, clock: Clock) -> Deed:
        told = {"run": shown(self.run, _LONGEST_ID), "error": self.error}
        about: dict[str, Json] = {name: value for name, value in told.items() if value}
        effect, rule = Effect.DENY if self.refusal else Effect.ALLOW, shown(self.refusal, LONGEST)
        offered, source = shown(self.offered, LONGEST), f"role {who.role.value}"
        return Deed(who.tenant, clock.now(), who.name, CALLED, offered, effect.value, rule, source, about)


@dataclass(slots=True)
class NoteRequests:
    """Strangers could fill the trail: of what was denied to them a minute has so many deeds, and one that counts the others."""

    trail: AuditTrail
    clock: Clock
    _since: float = field(default=-MINUTE)
    _seen: int = 0

    def __call__(self, who: Principal | None, asked: Asked) -> None:
        if who is not None and (asked.is_denied or asked.method not in _READING):
            self.trail.note(asked.deed(who, self.clock))
        elif who is None and asked.is_denied and self._has_room():
            self.trail.note(asked.deed(None, self.clock))

    def call(self, who: Principal, called: Called) -> None:
        self.trail.note(called.deed(who, self.clock))

    def count(self) -> None:
        """Put those that were only counted on the trail. Called when a minute is over, and before the process ends."""
        more, self._seen, self._since = self._seen - MOST_STRANGERS, 0, -MINUTE
        if more > 0:
            about: dict[str, Json] = {"requests": more}
            rule = f"more than {MOST_STRANGERS} in a minute: the others are counted"
            self.trail.note(Deed(DEFAULT_TENANT, self.clock.now(), STRANGER, "requests", "", Effect.DENY.value, rule, "keys", about))

    def _has_room(self) -> bool:
        now = self.clock.monotonic()
        if now - self._since >= MINUTE:
            self.count()
            self._since = now
        self._seen += 1
        if self._seen == MOST_STRANGERS + 1:
            asyncio.get_running_loop().call_later(self._since + MINUTE - now, self._count_if, self._since)
        return self._seen <= MOST_STRANGERS

    def _count_if(self, since: float) -> None:
        """Unless it was counted before."""
        if self._since == since:
            self.count()

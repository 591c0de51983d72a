"""May it be done? Decided here and nowhere else: every link of the chain behind a call must grant it, and what one denies is denied.

Grants that are absent say nothing; a list of grants that is empty grants nothing.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from domain.access import Role
from domain.acting import Acting
from domain.errors import Forbidden
from domain.ids import TenantId

CALL: Final = "tool.call"


class Effect(StrEnum):
    """`ask`: when somebody approves of this very call."""

    ALLOW = "allow"
    ASK = "ask"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Decision:
    """`rule` of `source` decided. `missing`: the links that grant it not, where that is the reason."""

    effect: Effect
    rule: str
    source: str
    missing: tuple[str, ...] = ()

    @property
    def is_allowed(self) -> bool:
        return self.effect is Effect.ALLOW

    def must_not_deny(self, action: str, resource: str) -> None:
        """`Forbidden` says which rule of whom."""
        if self.effect is Effect.DENY:
            raise Forbidden(f"{action} of {resource} is not allowed: {self.rule} ({self.source})")


@dataclass(frozen=True, slots=True)
class Subject:
    """Who wants it, with every link that may narrow it: the role of a key, a session, a workflow version, an agent."""

    tenant: TenantId
    role: Role | None = None
    acting: Acting | None = None
    workflow: str = ""
    permissions: tuple[str, ...] | None = None
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    def decide(self, subject: Subject, action: str, resource: str) -> Decision:
        acting = subject.acting
        if acting is not None:
            try:
                acting.must_be_allowed(resource)
            except Forbidden as error:
                return Decision(Effect.DENY, error.message, f"session {acting.session}")
        return Decision(Effect.ALLOW, "no rule narrows it", "default")

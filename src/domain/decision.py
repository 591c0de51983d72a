"""What may be done, and who said so."""

from dataclasses import dataclass
from enum import StrEnum

from domain.errors import Forbidden


class Effect(StrEnum):
    """`ask`: when somebody approves of this very call."""

    ALLOW = "allow"
    ASK = "ask"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Decision:
    """`rule` of `source` decided. `missing`: the links of the chain that have a list of grants, and not this one in it."""

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

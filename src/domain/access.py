"""Who asks. Every use case takes the caller first."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from domain.decision import Decision, Effect
from domain.errors import Forbidden
from domain.ids import DEFAULT_TENANT, KeyId, TenantId

CALL: Final = "tool.call"


class Role(StrEnum):
    """Each role may do what the ones before it may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    AUTHOR = "author"
    ADMIN = "admin"

    def includes(self, needed: "Role") -> bool:
        order = list(Role)
        return order.index(self) >= order.index(needed)


ACTIONS: Final[Mapping[str, Role]] = {
    "read": Role.VIEWER,
    "operate": Role.OPERATOR,
    CALL: Role.OPERATOR,
    "author": Role.AUTHOR,
    "admin": Role.ADMIN,
}
"""What can be done, and the first role that may."""
_NEED: Final = {role: action for action, role in ACTIONS.items() if action != CALL}


def _granted(role: Role, action: str) -> Decision:
    needed = ACTIONS[action]
    if role.includes(needed):
        return Decision(Effect.ALLOW, f"{action} needs the role {needed.value}", f"role {role.value}")
    sentence = f"this needs the role {needed.value}; the key has {role.value}: ask an admin for another key"
    return Decision(Effect.DENY, sentence, f"role {role.value}", (f"role {role.value}",))


_GRANTED: Final = {(role, action): _granted(role, action) for role in Role for action in ACTIONS}


def granted_to(role: Role, action: str) -> Decision:
    """What a role says of an action, whatever else says something. `KeyError` for an action that there is not."""
    return _GRANTED[role, action]


@dataclass(frozen=True, slots=True)
class Principal:
    tenant: TenantId
    role: Role
    name: str = "anonymous"

    def must_be(self, needed: Role) -> None:
        granted = granted_to(self.role, _NEED[needed])
        if not granted.is_allowed:
            raise Forbidden(granted.rule)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """`digest` is the hex SHA-256 of the key; the key itself is shown once and kept nowhere."""

    id: KeyId
    tenant: TenantId
    role: Role
    digest: str
    name: str
    created_at: datetime


LOCAL_ADMIN = Principal(DEFAULT_TENANT, Role.ADMIN, "local")

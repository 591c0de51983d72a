"""Who asks. Every use case takes the caller first."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.errors import Forbidden
from domain.ids import DEFAULT_TENANT, KeyId, TenantId


class Role(StrEnum):
    """Each role may do what the ones before it may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    AUTHOR = "author"
    ADMIN = "admin"

    def includes(self, needed: "Role") -> bool:
        order = list(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True)
class Principal:
    tenant: TenantId
    role: Role
    name: str = "anonymous"

    def must_be(self, needed: Role) -> None:
        if not self.role.includes(needed):
            raise Forbidden(f"this needs the role {needed.value}; the key has {self.role.value}: ask an admin for another key")


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

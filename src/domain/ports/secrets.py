"""Secrets, by name: where they lie is the owner's business, and what they are nobody's but the place they are sent to."""

from collections.abc import Callable
from typing import Protocol, TypeAlias

from domain.ids import TenantId

Redact: TypeAlias = Callable[[str], str]
"""The text without any secret that was ever given out in this process, in whatever form it was sent."""
RedactFor: TypeAlias = Callable[[TenantId], Redact]
"""For what a tenant reads: no secret has its name there that the tenant may not use."""


class Secrets(Protocol):
    def must_be_for(self, name: str, tenant: TenantId, origin: str) -> None:
        """`SecretRefused` when there is none of that name for the tenant, or it is bound to other places than `origin`, which is
        `scheme://host:port`, or "" where nobody knows."""

    async def get(self, name: str, tenant: TenantId, origin: str) -> str:
        """Its value, to be sent to `origin` and nowhere else; from now on it is redacted everywhere. Raises as `must_be_for`, and
        `SecretRefused` when the place it lies in cannot be read."""

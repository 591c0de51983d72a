"""`${secret.NAME}` in what is sent to a server."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from domain.ids import DEFAULT_TENANT
from domain.ports.secrets import Secrets
from domain.secret import origin_of
from infrastructure.secrets.references import resolved
from infrastructure.tools.mcp.settings import ServerPart

OWNER: Final = DEFAULT_TENANT
"""Servers are the owner's, and so are their secrets."""


def origin_for(name: str, part: ServerPart) -> str:
    """Where a secret must be bound to: a process has no host, but one that is nobody's (RFC 6761)."""
    return origin_of(part.url) if part.url else f"https://{name}.mcp.invalid"


@dataclass(frozen=True, slots=True)
class Filled:
    secrets: Secrets
    origin: str

    async def all(self, given: Mapping[str, str]) -> dict[str, str]:
        """`SecretRefused` for one that is not there, or not for this place."""
        return {name: await self.text(text) for name, text in given.items()}

    async def text(self, text: str) -> str:
        return await resolved(text, self.secrets, OWNER, self.origin)

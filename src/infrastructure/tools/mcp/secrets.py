"""`${secret.NAME}` in what is sent to a server."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from domain.ids import TenantId
from domain.ports.secrets import Secrets
from infrastructure.tools.mcp.settings import ServerPart

SECRET: Final = re.compile(r"\$\{secret\.([a-z][a-z0-9_]{0,63})\}")
OWNER: Final = TenantId("default")
"""Servers are the owner's, and so are their secrets."""


def host_of(name: str, part: ServerPart) -> str:
    """Where a secret must be bound to: a process has no host, but one that is nobody's (RFC 6761)."""
    return (urlsplit(part.url).hostname or "") if part.url else f"{name}.mcp.invalid"


@dataclass(frozen=True, slots=True)
class Filled:
    secrets: Secrets
    host: str

    async def all(self, given: Mapping[str, str]) -> dict[str, str]:
        """`SecretRefused` for one that is not there, or not for this host."""
        return {name: await self.text(text) for name, text in given.items()}

    async def text(self, text: str) -> str:
        values = {name: await self.secrets.get(name, OWNER, self.host) for name in SECRET.findall(text)}
        return SECRET.sub(lambda found: values[found[1]], text)

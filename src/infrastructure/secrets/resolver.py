"""Secrets by name: each goes to the hosts that its owner bound it to, and is taken out of everything that comes back."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from domain.errors import SecretRefused
from domain.ids import TenantId
from domain.secret import LONGEST, SHORTEST, SecretBinding
from infrastructure.secrets.redactor import Redactor
from infrastructure.secrets.sources import SecretSource, Unreadable

SECONDS: Final = 10.0
"""A vault has so long to answer."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BoundSecrets:
    """`domain.ports.secrets.Secrets`. `sources`: one for every `source` that a binding names."""

    bindings: Mapping[str, SecretBinding]
    sources: Mapping[str, SecretSource]
    redactor: Redactor
    seconds: float = SECONDS

    def must_be_for(self, name: str, tenant: TenantId, origin: str) -> None:
        self._bound(name, tenant, origin)

    async def get(self, name: str, tenant: TenantId, origin: str) -> str:
        bound = self._bound(name, tenant, origin)
        value = await self._read(bound)
        if len(value) > LONGEST:
            raise SecretRefused(f"the secret {name} is longer than {LONGEST:,} characters")
        if not self.redactor.remember(name, value, bound.tenants):
            raise SecretRefused(f"the secret {name} is shorter than {SHORTEST} characters: it could not be kept out of texts")
        return value

    def _bound(self, name: str, tenant: TenantId, origin: str) -> SecretBinding:
        """That another tenant has one of the name is nobody's business."""
        bound = self.bindings.get(name)
        if bound is None or not bound.is_for(tenant):
            raise SecretRefused(f"there is no secret {name}: the owner of this installation names one by WEFT_SECRETS__{name}")
        if not bound.may_go_to(origin):
            where = origin or "a host that is not named"
            raise SecretRefused(
                f"the secret {name} may not go to {where}, only to {', '.join(bound.hosts)} (https on 443 where no port is named)"
            )
        return bound

    async def _read(self, bound: SecretBinding) -> str:
        try:
            async with asyncio.timeout(self.seconds):
                return await self.sources[bound.source].get(bound.place)
        except Unreadable as error:
            reason = str(error)
        except TimeoutError:
            reason = f"no answer within {self.seconds:g} seconds"
        except Exception as error:  # what a vault says may hold what it keeps
            reason = type(error).__name__
        log.warning("the secret %s cannot be read from %s: %s", bound.name, bound.source, reason)
        raise SecretRefused(f"the secret {bound.name} cannot be read from {bound.source}: {reason}")

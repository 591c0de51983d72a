"""A secret as its owner binds it: where it lies, and the hosts and tenants it is for."""

from dataclasses import dataclass
from typing import Final

from domain.ids import DEFAULT_TENANT, TenantId

SHORTEST: Final = 8
"""Characters. A shorter value stands in many texts by chance: it could not be taken out of them without harm."""
LONGEST: Final = 8 * 1024
ANY_HOST: Final = "*"

NOT_IN_GRAPHS: Final = (
    "a secret is never in a graph, which is stored and shown: "
    "write `${secret.NAME}` in the configuration of the tool or model that sends it"
)


@dataclass(frozen=True, slots=True)
class SecretBinding:
    """`source`: who keeps it, such as `env` or `file`; `place`: where, in the source's own words. `hosts`: names, `*.name`, or `*`."""

    name: str
    source: str
    place: str
    hosts: tuple[str, ...]
    tenants: tuple[TenantId, ...] = (DEFAULT_TENANT,)

    def is_for(self, tenant: TenantId) -> bool:
        return tenant in self.tenants

    def may_go_to(self, host: str) -> bool:
        """`host` as the resolver is asked for it. `*.name` is what stands below the name, and not the name."""
        asked = host.lower().rstrip(".")
        return any(_names(bound.lower(), asked) for bound in self.hosts)


def _names(bound: str, host: str) -> bool:
    if bound == ANY_HOST:
        return True
    return host.endswith(bound[1:]) if bound.startswith("*.") else host == bound

"""A secret as its owner binds it: where it lies, and the hosts and tenants it is for."""

import re
from dataclasses import dataclass
from typing import Final

from domain.ids import DEFAULT_TENANT, TenantId

SHORTEST: Final = 8
"""Characters. A shorter value stands in many texts by chance: it could not be taken out of them without harm."""
LONGEST: Final = 8 * 1024
ANY_HOST: Final = "*"
USUAL_PORTS: Final = {"http": 80, "https": 443}
_URL: Final = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?:\[(?P<six>[0-9a-f:.]+)\]|(?P<name>[^\s/?#:@\[\]\\]+))(?::(?P<port>[0-9]{1,5}))?(?:[/?#].*)?",
    re.IGNORECASE | re.DOTALL,
)
"""Nothing that two readers may read in two ways: no name and password before the host, no blanks."""
_WITH_PORT: Final = re.compile(r"(?:\[(?P<six>[0-9a-f]*:[0-9a-f:.]*)\]|(?P<name>[^:\[\]]+)):(?P<port>[0-9]{1,5})", re.IGNORECASE)

NOT_IN_GRAPHS: Final = (
    "a secret is never in a graph, which is stored and shown: "
    "write `${secret.NAME}` in the configuration of the tool or model that sends it"
)


@dataclass(frozen=True, slots=True)
class SecretBinding:
    """`source`: who keeps it, such as `env` or `file`; `place`: where, in the source's own words. `hosts`: names, `*.name`, or `*`, each
    over https on its usual port; with `:port` on that port, whatever is spoken there."""

    name: str
    source: str
    place: str
    hosts: tuple[str, ...]
    tenants: tuple[TenantId, ...] = (DEFAULT_TENANT,)

    def is_for(self, tenant: TenantId) -> bool:
        return tenant in self.tenants

    def may_go_to(self, origin: str) -> bool:
        """`scheme://host:port`, its host as the resolver is asked for it; "" for a place that is not known, which `*` alone admits.
        `*.name` is what stands below the name, and not the name."""
        if not origin:
            return ANY_HOST in self.hosts
        place = _read(origin)
        return place is not None and any(_admits(bound.lower(), *place) for bound in self.hosts)


def origin_of(url: str) -> str:
    """Where a request to that URL goes; "" when it does not say."""
    place = _read(url)
    return f"{place[0]}://{_in_brackets(place[1])}:{place[2]}" if place else ""


def bound_as(url: str) -> str:
    """What stands in `hosts` for a secret that goes to that URL; "" when it does not say where."""
    scheme, host, port = _read(url) or ("https", "", USUAL_PORTS["https"])
    return host if (scheme, port) == ("https", USUAL_PORTS["https"]) else f"{_in_brackets(host)}:{port}"


def parted(bound: str) -> tuple[str, int | None]:
    """A row of `hosts`: the host, and the port where it has one."""
    found = _WITH_PORT.fullmatch(bound)
    return (found["six"] or found["name"], int(found["port"])) if found else (bound, None)


def _read(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port; 0 for a port that is neither said nor usual."""
    found = _URL.fullmatch(url.lower())
    if found is None:
        return None
    port = USUAL_PORTS.get(found["scheme"], 0) if found["port"] is None else int(found["port"])
    return found["scheme"], (found["six"] or found["name"]).rstrip("."), port


def _in_brackets(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _admits(bound: str, scheme: str, host: str, port: int) -> bool:
    name, its_port = parted(bound)
    is_way = (scheme, port) == ("https", USUAL_PORTS["https"]) if its_port is None else port == its_port
    return is_way and _names(name, host)


def _names(name: str, host: str) -> bool:
    if name == ANY_HOST:
        return True
    return host.endswith(name[1:]) if name.startswith("*.") else host == name

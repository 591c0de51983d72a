"""How tools reach others: one door for all of them, and what makes tools of documents."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from domain.ports.clock import Clock
from domain.ports.secrets import Secrets
from domain.tool import ToolType
from infrastructure.outgoing.addresses import Addresses, Allowed
from infrastructure.store.later import Later, LaterModule
from settings import Settings

CONNECTIONS: Final = 256
"""At once, for all tools of a process: whoever waits for one has its time taken from it."""

if TYPE_CHECKING:
    from infrastructure.outgoing.messages import Asks
    from infrastructure.tools.described import Maker


@dataclass(frozen=True, slots=True)
class Reach:
    """Where tools may go. The HTTP library is loaded with the first request."""

    addresses: Addresses
    opened: Later

    @property
    def door(self) -> "Asks":
        return cast("Asks", self.opened)


def reach_of(settings: Settings) -> Reach:
    addresses = Addresses(Allowed(names=settings.http_private, hosts=settings.http_hosts))
    return Reach(addresses, LaterModule("infrastructure.outgoing.door").Door(addresses, CONNECTIONS))


def makers_of(reach: Reach, clock: Clock, secrets: Secrets) -> Mapping[ToolType, "Maker"]:
    """Each is loaded with the first document of its type."""
    rest = LaterModule("infrastructure.tools.rest.calls").RestTools(reach.door, reach.addresses, secrets, clock)
    return {ToolType.REST: cast("Maker", rest)}

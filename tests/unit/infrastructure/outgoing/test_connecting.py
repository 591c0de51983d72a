"""A name has several addresses: a dead one does not use up the time of the others."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import httpcore
import pytest

from infrastructure.outgoing.addresses import Addresses
from infrastructure.outgoing.connecting import PATIENCE, CheckedBackend

FOUR = ("8.8.8.1", "8.8.8.2", "8.8.8.3", "8.8.8.4", "8.8.8.5")


@dataclass
class DeadNetwork(httpcore.AsyncNetworkBackend):
    """Nobody answers. `tried`: which address, and for how long."""

    tried: list[tuple[str, float | None]] = field(default_factory=list)

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        self.tried.append((host, timeout))
        raise httpcore.ConnectTimeout


async def found(host: str, port: int) -> Sequence[str]:
    return FOUR


@pytest.mark.parametrize(
    ("whole", "each"),
    [
        pytest.param(None, PATIENCE, id="where the request alone has an end"),
        pytest.param(60.0, PATIENCE, id="where connecting has one that is far"),
        pytest.param(1.0, 1.0, id="where that is near"),
    ],
)
async def test_each_address_but_the_last_has_a_little_of_the_time(whole: float | None, each: float) -> None:
    network = DeadNetwork()
    with pytest.raises(httpcore.ConnectTimeout):
        await CheckedBackend(Addresses(resolve=found), network).connect_tcp("many.test", 443, whole)

    assert network.tried == [(FOUR[0], each), (FOUR[1], each), (FOUR[2], each), (FOUR[3], whole)]

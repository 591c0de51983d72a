"""How the HTTP library reaches a host: at an address that was checked, which is the one it connects to."""

from collections.abc import Iterable, Sequence
from typing import Final

import httpcore

from infrastructure.outgoing.addresses import Addresses, Place

_TRIED: Final = 4
"""Addresses of one name that are tried, one after the other."""
PATIENCE: Final = 3.0
"""Seconds for each of them but the last: an address that is dead leaves time for those that are not."""


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Looks the name up itself, so that nobody looks it up a second time and finds another address."""

    def __init__(self, addresses: Addresses, network: httpcore.AsyncNetworkBackend | None = None) -> None:
        self._addresses = addresses
        self._network = network or httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """`Refused`, or what the library raises when none of the addresses answers."""
        try:
            found = await self._addresses.find(Place("", host, port))
        except OSError as error:
            raise httpcore.ConnectError(f"{host}: {error.strerror or error}") from error
        return await self._first(found[:_TRIED], port, timeout, socket_options)

    async def _first(
        self, addresses: Sequence[str], port: int, timeout: float | None, options: Iterable[httpcore.SOCKET_OPTION] | None
    ) -> httpcore.AsyncNetworkStream:
        patience = PATIENCE if timeout is None else min(PATIENCE, timeout)
        for address in addresses[:-1]:
            try:
                return await self._network.connect_tcp(address, port, patience, None, options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._network.connect_tcp(addresses[-1], port, timeout, None, options)

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None
    ) -> httpcore.AsyncNetworkStream:
        raise httpcore.UnsupportedProtocol("no sockets of this machine")

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)

"""How the HTTP library reaches a host: at an address that was checked, which is the one it connects to."""

from collections.abc import Iterable, Sequence
from typing import Final

import httpcore

from infrastructure.outgoing.addresses import Addresses, Place

_TRIED: Final = 4
"""Addresses of one name that are tried, one after the other."""


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Looks the name up itself, so that nobody looks it up a second time and finds another address."""

    def __init__(self, addresses: Addresses) -> None:
        self._addresses = addresses
        self._network = httpcore.AnyIOBackend()

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
        for address in addresses[:-1]:
            try:
                return await self._network.connect_tcp(address, port, timeout, None, options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._network.connect_tcp(addresses[-1], port, timeout, None, options)

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None
    ) -> httpcore.AsyncNetworkStream:
        raise httpcore.UnsupportedProtocol("no sockets of this machine")

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)

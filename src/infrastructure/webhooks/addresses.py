"""Where webhooks may go: not to what only this machine or its network can reach."""

import asyncio
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import urlsplit

_TRANSLATED: Final = IPv6Network("64:ff9b::/96")
"""An IPv4 address in it is reached through a gateway."""
_PORTS: Final = {"http": 80, "https": 443}


class Refused(Exception):
    """Says why nothing is sent there."""


@dataclass(frozen=True, slots=True)
class Target:
    """An address that was looked up and checked; whoever connects uses this and looks nothing up again."""

    host: str
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class Addresses:
    """`private`: loopback, link-local and private addresses are allowed."""

    private: bool = False

    def objection(self, url: str) -> str | None:
        """What is wrong with a URL as it stands, without looking up its name."""
        try:
            host, _ = _place(url)
            if host == "localhost" or host.endswith(".localhost"):
                self._check(host, "127.0.0.1")
            elif (literal := _literal(host)) is not None:
                self._check(host, literal)
        except Refused as error:
            return str(error)
        return None

    async def find(self, url: str) -> Target:
        """`Refused` when one of the name's addresses is; `OSError` when it has none."""
        host, port = _place(url)
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [str(entry[4][0]).partition("%")[0] for entry in found]
        for address in addresses:
            self._check(host, address)
        return Target(host, addresses[0], port)

    def _check(self, host: str, address: str) -> None:
        if not self.private and not is_public(address):
            where = host if host == address else f"{host} ({address})"
            raise Refused(f"{where} is not a public address: WEFT_WEBHOOKS_PRIVATE=true allows it")


def is_public(address: str) -> bool:
    """Addresses inside others count as what they are inside."""
    found = _inner(ip_address(address))
    return found.is_global and not found.is_multicast


def _inner(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(address, IPv4Address):
        return address
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _literal(host: str) -> str | None:
    """An address in any spelling that a resolver takes: `127.1` and `0x7f000001` too."""
    try:
        return str(ip_address(host))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return None


def _place(url: str) -> tuple[str, int]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise Refused(f"this is no URL: {error}") from error
    if parts.scheme not in _PORTS or not host:
        raise Refused("webhooks are sent to http:// and https:// only, to a host that is named")
    if parts.username is not None or parts.password is not None:
        raise Refused("no name and password in the URL: what is sent is signed, so the receiver knows us")
    return host, _PORTS[parts.scheme] if port is None else port

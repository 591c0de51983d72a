"""Where a request may go: no URL and no name leads to what only this machine or its network can reach, unless it is allowed by name."""

import asyncio
import re
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, Protocol, TypeAlias
from urllib.parse import urlsplit

from infrastructure.tools.threads import SpareThreads, in_a_spare_thread

MAX_URL: Final = 8_000
PORTS: Final = {"http": 80, "https": 443}
_TRANSLATED: Final = IPv6Network("64:ff9b::/96")
"""An IPv4 address in its last four bytes is reached through a gateway (RFC 6052). Gateways of one network (`64:ff9b:1::/48`, RFC 8215) keep
it elsewhere: those are not public."""
_NAME: Final = re.compile(r"(?=.{1,254}$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?")
_LOOKING: Final = SpareThreads(32)
"""Of their own: a name server that does not answer holds up these, and nobody's files or tools."""
LOOK_UP_SECONDS: Final = 5.0
_NO_URL: Final = re.compile(r"[\x00-\x20\x7f\\\ud800-\udfff]")
_COMPATIBLE: Final = IPv6Network("::/96")
_TUNNELLED: Final = IPv6Network("2001::/32")
"""Teredo: the last four bytes are the client's IPv4 address, inverted (RFC 4380)."""
_UNICAST: Final = IPv6Network("2000::/3")
"""The only part of IPv6 that is given to the world (RFC 4291); Python takes much of the rest for global."""
_WRITTEN_ABOUT: Final = IPv6Network("3fff::/20")
"""For documentation (RFC 9637), which older Pythons do not know."""
_KEPT: Final = (IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24"), IPv4Network("168.63.129.16/32"))
"""For protocols, with the metadata of one cloud in it; relays of old tunnels; the host of another cloud's machines."""

Network: TypeAlias = IPv4Network | IPv6Network


class Refused(Exception):
    """Says why nothing is sent there. `may_have_arrived`: a request was, before it led there."""

    may_have_arrived = False


class Resolve(Protocol):
    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """Addresses, best first; `OSError` when there are none."""


@dataclass(frozen=True, slots=True)
class Place:
    """Of a URL, its host as the resolver is asked for it."""

    scheme: str
    host: str
    port: int

    @property
    def usual_port(self) -> int:
        return PORTS[self.scheme]

    @property
    def origin(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Allowed:
    """What is reachable beside public addresses: everything (`private`), or what one of `names` says, each a host, `host:port`, an
    address or a network (`10.0.0.0/8`). `hosts`: nothing but these, each a name or `*.name`; empty for any. `setting` is named to who is
    refused."""

    private: bool = False
    names: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    setting: str = "WEFT_HTTP_PRIVATE"

    def admits(self, place: Place, address: str) -> bool:
        """May `place` be at that address, which is not public?"""
        return self.private or any(_names(name, place, address) for name in self.names)

    def knows(self, host: str) -> bool:
        """Is it one of `hosts`?"""
        asked = host.rstrip(".")
        known = [name.lower() for name in self.hosts]
        return not known or any(asked == name or (name.startswith("*.") and asked.endswith(name[1:])) for name in known)


def _names(name: str, place: Place, address: str) -> bool:
    network = _network(name)
    if network is not None:
        return ip_address(address) in network
    return name.lower() in (place.host, f"{place.host}:{place.port}", f"[{place.host}]:{place.port}")


def _network(name: str) -> Network | None:
    try:
        return ip_network(name)
    except ValueError:
        return None


async def resolve(host: str, port: int) -> Sequence[str]:
    """As the machine resolves names."""
    return await in_a_spare_thread(_looked_up, _LOOKING)(host, port, time.monotonic() + LOOK_UP_SECONDS)


def _looked_up(host: str, port: int, until: float) -> Sequence[str]:
    """Nothing is asked for those who have stopped waiting before it was their turn."""
    if time.monotonic() >= until:
        raise OSError("its turn came too late")
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True, slots=True)
class Addresses:
    """`seconds`: a name is looked up for so long."""

    allowed: Allowed = Allowed()
    resolve: Resolve = resolve
    seconds: float = LOOK_UP_SECONDS

    def objection(self, url: str) -> str | None:
        """What is wrong with a URL as it stands, without looking up its name."""
        try:
            self.check(place_of(url))
        except Refused as error:
            return str(error)
        return None

    def check(self, place: Place) -> None:
        """`Refused` for what needs no look-up: a host that is not listed, an address in any spelling, and names of this machine."""
        if not self.allowed.knows(place.host):
            raise Refused(f"{place.host} is none of the hosts of WEFT_HTTP_HOSTS")
        literal = "127.0.0.1" if _is_here(place.host) else _literal(place.host)
        if literal is not None:
            self._check(place, literal)

    async def find(self, place: Place) -> Sequence[str]:
        """Addresses to connect to, each checked: whoever connects looks nothing up again. `Refused` when one of the name's addresses is
        not allowed, whatever the others are; `OSError` when it has none."""
        self.check(place)
        literal = _literal(place.host)
        found = [literal] if literal is not None else await self._resolved(place)
        for address in found:
            self._check(place, address)
        return found

    async def _resolved(self, place: Place) -> Sequence[str]:
        try:
            async with asyncio.timeout(self.seconds):
                found = await self.resolve(place.host, place.port)
        except TimeoutError:
            raise OSError(f"no name server has answered within {self.seconds:g} s") from None
        if not found:
            raise OSError(f"{place.host} has no address")
        return found

    def _check(self, place: Place, address: str) -> None:
        if "%" in address:
            raise Refused(f"{place.host} ({address}) is an address of one link only")
        if not is_public(address) and not self.allowed.admits(place, address):
            where = place.host if place.host == address else f"{place.host} ({address})"
            raise Refused(f"{where} is not a public address, and {self.allowed.setting} does not allow it")


def is_public(address: str) -> bool:
    """Addresses inside others count as what they are inside."""
    found = _inner(ip_address(address))
    if isinstance(found, IPv6Address):
        return found in _UNICAST and found not in _WRITTEN_ABOUT and found.is_global
    return found.is_global and not found.is_multicast and not any(found in network for network in _KEPT)


def _inner(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(address, IPv4Address):
        return address
    last = int(address) & 0xFFFFFFFF
    if address in _TRANSLATED:
        return IPv4Address(last)
    if address in _TUNNELLED:
        return IPv4Address(last ^ 0xFFFFFFFF)
    if address in _COMPATIBLE and last > 1:
        return IPv4Address(last)
    return address.ipv4_mapped or address.sixtofour or address


def _is_here(host: str) -> bool:
    name = host.rstrip(".")
    return name == "localhost" or name.endswith((".localhost", ".localdomain"))


def _literal(host: str) -> str | None:
    """An address in any spelling that a resolver takes: `127.1`, `0x7f000001`, `0177.0.0.1` and `127.0.0.1.` too."""
    try:
        return str(ip_address(host))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(host.rstrip(".")))
    except (OSError, UnicodeError, ValueError):
        return None


def place_of(url: str) -> Place:
    """`Refused` for what is no plain URL of a host: another scheme, a name and password, characters that no URL has."""
    if len(url) > MAX_URL:
        raise Refused(f"the URL is longer than {MAX_URL:,} characters")
    if _NO_URL.search(url):
        raise Refused("the URL has a blank, a control character, a backslash or half a character in it")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise Refused(f"this is no URL: {error}") from error
    if parts.scheme not in PORTS or not host:
        raise Refused("a URL here begins with http:// or https://, and names a host")
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise Refused("no name and password in a URL: it stands in logs")
    return Place(parts.scheme, _ascii(host), PORTS[parts.scheme] if port is None else port)


def _ascii(host: str) -> str:
    """As it is looked up: letters and digits that only look like those of an address become them here, not in the resolver."""
    try:
        found = host if host.isascii() else host.encode("idna").decode("ascii").lower()
    except UnicodeError as error:
        raise Refused(f"the host {host[:80]!r} is no name") from error
    if ":" not in found and not _NAME.fullmatch(found):
        raise Refused(f"the host {host[:80]!r} is no name")
    return found

"""What is asked of others, what they answer, and how a request changes when it is sent on to somewhere else."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Protocol
from urllib.parse import quote, urljoin, urlsplit

from infrastructure.outgoing.addresses import Place, Refused, place_of

SECONDS: Final = 30.0
MAX_BYTES: Final = 4 * 1024 * 1024
MAX_HEADERS: Final = 64 * 1024
MAX_REDIRECTS: Final = 5
MOVED: Final = frozenset({301, 302, 303, 307, 308})
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_SENT: Final = "/%:@!$&'()*+,;=~"
OURS: Final = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "accept-encoding", "upgrade", "te", "trailer", "keep-alive"}
)
"""Headers that say how a message is carried: never those of who asks."""
_PLAIN: Final = frozenset({"accept", "accept-language", "content-type", "user-agent"})
"""Headers that no credentials stand in."""


@dataclass(frozen=True, slots=True)
class Ask:
    """`seconds` for all of it, redirects and body included; `most`: bytes of the unpacked body, of which a longer one is `cut` to them or
    an error. Not `unpacked`, it is kept as it comes."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    seconds: float = SECONDS
    most: int = MAX_BYTES
    cut: bool = False
    unpacked: bool = True
    redirects: int = MAX_REDIRECTS

    @property
    def only_reads(self) -> bool:
        return self.method in ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Answer:
    """`headers` by their names in small letters, several of one name with ", " between them. `url`: where it came from in the end.
    `is_cut`: the body went on."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    is_cut: bool = False


class Asks(Protocol):
    """The door, for those that do without its libraries until they ask."""

    async def ask(self, ask: Ask) -> Answer:
        """`Refused` for where it may not go, `NotAnswered` for everything else that can go wrong."""


class NotAnswered(Exception):
    """`code` is for machines; `may_have_arrived`: the request may have been read by the other side."""

    def __init__(self, code: str, message: str, *, may_have_arrived: bool = False) -> None:
        super().__init__(message)
        self.code, self.message, self.may_have_arrived = code, message, may_have_arrived


def checked_headers(ask: Ask) -> list[tuple[bytes, bytes]]:
    """As bytes. `Refused` for a method, a name or a value that could become more than itself on its way."""
    if ask.method not in _METHODS:
        raise Refused(f"the method {ask.method[:20]!r} is none of {', '.join(sorted(_METHODS))}")
    kept = [(name, value) for name, value in ask.headers.items() if name.lower() not in OURS]
    for name, value in kept:
        if not _NAME.fullmatch(name):
            raise Refused(f"{name[:80]!r} is no name of a header")
        if not _VALUE.fullmatch(value):
            raise Refused(f"the header {name} has a character in it that no header has")
    if sum(len(name) + len(value) for name, value in kept) > MAX_HEADERS:
        raise Refused(f"the headers are larger than {MAX_HEADERS // 1024} KiB")
    return [(name.encode("ascii"), value.encode("latin-1")) for name, value in kept]


def target_of(url: str) -> str:
    """Path and query as they are sent: what is written in other letters is spelled out."""
    parts = urlsplit(url)
    path, query = quote(parts.path, safe=_SENT) or "/", quote(parts.query, safe=_SENT + "?[]")
    return f"{path}?{query}" if query else path


def authority_of(place: Place) -> str:
    """For the header `Host`."""
    host = f"[{place.host}]" if ":" in place.host else place.host
    return host if place.port == place.usual_port else f"{host}:{place.port}"


def redirected(ask: Ask, status: int, location: str) -> Ask:
    """What may be credentials stays with the origin it was meant for, and so does everything that does more than read."""
    try:
        further = urljoin(ask.url, location)
    except ValueError as error:
        raise Refused(f"a redirect leads to what is no URL: {error}") from error
    here, there = place_of(ask.url), place_of(further)
    if here.scheme == "https" and there.scheme == "http":
        raise Refused(f"a redirect leads from https:// to {there.origin}")
    if status == 303 or (status in (301, 302) and ask.method == "POST"):
        ask = replace(ask, method="HEAD" if ask.method == "HEAD" else "GET", body=b"", headers=_without_content(ask.headers))
    if here.origin == there.origin:
        return replace(ask, url=further)
    if not ask.only_reads:
        raise Refused(f"a redirect leads a {ask.method} to another origin, {there.origin}")
    return replace(ask, url=further, headers={name: value for name, value in ask.headers.items() if name.lower() in _PLAIN})


def _without_content(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if not name.lower().startswith("content-")}


def as_written(value: bytes) -> str:
    """A header, in the letters its writer most likely meant."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")

"""Secrets that an owner wrote plainly into the settings of an MCP server, told from what else stands there."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

_SECRET_NAME: Final = re.compile(
    r"(?:token|secret|pass|pwd|key|auth|cred|cookie|session|signature|(?:^|[^a-z])pat$)(?!.*(?:file|path|dir)$)", re.IGNORECASE
)
_WORD: Final = re.compile(r"[a-z]{1,12}")
"""`AUTH_MODE=password`: what stands in texts anyway."""
_RANDOM: Final = re.compile(r"(?=[^/\\.]*[0-9])(?=.*[A-Za-z])(?=.*[A-Za-z0-9_]{12})[A-Za-z0-9_+/~.-]{20,}={0,2}")
"""Looks like a token, whatever it is called. An address or a path does not: `production` and `/usr/bin` have to stay in texts."""


def plain_secrets(row: Mapping[str, Any]) -> Iterator[str]:
    """Of one row of `WEFT_MCP_SERVERS`, as it has been checked. What names a secret is known by its own name."""
    for name, value in _named(row):
        if "${" not in value:
            yield from _secret_in(name, value)


def _named(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield from {**row.get("env", {}), **row.get("headers", {})}.items()
    yield from parse_qsl(urlsplit(row.get("url") or "").query)
    before = ""
    for word in (row.get("command") or ())[1:]:
        name, equals, value = word.partition("=")
        if equals and re.fullmatch(r"-{0,2}\w[\w-]*", name):
            yield name, value
        yield before if before.startswith("-") else "", word
        before = word


def _secret_in(name: str, value: str) -> Iterator[str]:
    """A credential comes back without the word before it, such as `Bearer`, too."""
    if "://" in value:
        yield unquote(urlsplit(value).password or "")
    elif (_SECRET_NAME.search(name) and not _WORD.fullmatch(value)) or _RANDOM.fullmatch(value):
        yield value
        yield value.split()[-1] if value.split() else ""

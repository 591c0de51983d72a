"""Label values come from users; a time series for each would sink the server that scrapes them."""

from hashlib import sha256
from typing import Final

OTHER: Final = "other"
LONGEST: Final = 48
"""Bytes of UTF-8."""


class BoundedLabel:
    """Lets the first `most` distinct values through; whatever comes later is `other`. A long one is shown as its beginning and a digest."""

    def __init__(self, most: int = 200) -> None:
        self._most = most
        self._known: dict[str, str] = {}

    def __call__(self, value: str) -> str:
        shown = self._known.get(value)
        if shown is not None:
            return shown
        if len(self._known) >= self._most:
            return OTHER
        return self._known.setdefault(value, _short(value))


def _short(value: str) -> str:
    body = value.encode(errors="replace")
    if len(body) <= LONGEST:
        return body.decode()
    digest = sha256(body).hexdigest()[:8]
    return f"{body[: LONGEST - len(digest) - 1].decode(errors='ignore')}~{digest}"

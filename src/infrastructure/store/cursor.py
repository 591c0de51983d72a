"""Where a page ended, as a string that means nothing to whoever carries it."""

import base64
import binascii
from collections.abc import Sequence

import orjson

from domain.errors import ValidationError


def pack(keys: Sequence[str]) -> str:
    """The sort keys of a page's last row. No key holds a NUL: PostgreSQL could not be asked for it."""
    return base64.urlsafe_b64encode(orjson.dumps(list(keys))).decode().rstrip("=")


def unpack(cursor: str, count: int) -> tuple[str, ...]:
    """The `count` keys inside. A cursor that `pack` did not make is a `ValidationError`."""
    try:
        keys = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError) as error:
        raise _not_ours() from error
    if not isinstance(keys, list) or len(keys) != count or not all(isinstance(key, str) and "\0" not in key for key in keys):
        raise _not_ours()
    return tuple(keys)


def _not_ours() -> ValidationError:
    return ValidationError("this cursor is not one that a list gave out: leave it away to start from the first page")

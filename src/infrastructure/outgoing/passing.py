"""Which failures of others pass by themselves, so that the same request may succeed later."""

from typing import Final

PASSES: Final = frozenset({"timeout", "connection_failed", "connection_lost"})
"""Codes of `NotAnswered`."""
_LATER: Final = frozenset({408, 425, 429})
_NEVER: Final = frozenset({501, 505})
"""Of those from 500 on: what the server cannot do at all."""


def is_passing(status: int) -> bool:
    return status in _LATER or (500 <= status < 600 and status not in _NEVER)


def is_unclear(status: int) -> bool:
    """Does it leave open whether the request was carried out? Who is too busy (503) has not begun."""
    return 500 <= status < 600 and status not in _NEVER and status != 503

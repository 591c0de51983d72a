"""What a stranger wrote, made fit for logs, errors and eyes: bounded, and without what moves a cursor or cannot be seen."""

import unicodedata
from typing import Final

from domain.ports.secrets import Redact

MOST: Final = 16_000
"""More than is shown of an error: secrets are taken out first, and what is left is cut then."""
_SHOWN: Final = frozenset("\n\t")
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def tame(text: str, most: int = MOST) -> str:
    """Control characters, escapes of terminals and what has no width become `\\ufffd`."""
    cut = text if len(text) <= most else f"{text[:most]}..."
    if cut.isascii() and cut.isprintable():
        return cut
    return "".join("\ufffd" if unicodedata.category(one) in _UNSEEN and one not in _SHOWN else one for one in cut)


def one_line(text: str, most: int = MOST) -> str:
    return " ".join(tame(text, most).split())


def reason_of(error: BaseException, redact: Redact) -> str:
    return one_line(redact(f"{error}") or type(error).__name__, 500)


def first_of(error: BaseException) -> BaseException:
    """Of a group, what went wrong first."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error

"""A provider's words as they may be shown: without keys, and not too long."""

import re
from typing import Final

from domain.ports.secrets import Redact

LONGEST_MESSAGE: Final = 500
_KEY: Final = re.compile(r"\b(?:sk|gsk|xai|AIza)[-_]?[\w*.-]{12,}")


def shortened(said: str, redact: Redact) -> str:
    """Keys are taken out before it is cut, so that none is cut in half."""
    words = _KEY.sub("[key]", redact(said)).strip()
    return words if len(words) <= LONGEST_MESSAGE else f"{words[:LONGEST_MESSAGE]} ..."

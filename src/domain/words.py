"""What others say, made fit to be shown, logged and kept: without what steers a terminal, and not longer than anybody reads."""

import re
from typing import Final

_STEERING: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
MARK: Final = "\N{REPLACEMENT CHARACTER}"


def shown(text: str, most: int) -> str:
    """At most `most` characters; control characters but for tabs and ends of lines, and half surrogates, become a mark."""
    return _STEERING.sub(MARK, text[:most])

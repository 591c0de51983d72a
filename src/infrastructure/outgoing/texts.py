"""A stranger's answer as text: what cannot be read, and what would steer a terminal, is shown as a mark."""

import re
from typing import Final

from infrastructure.outgoing.messages import Answer

MARK: Final = "\ufffd"
_CHARSET: Final = re.compile(r";\s*charset=\"?([A-Za-z0-9._:-]{1,40})", re.IGNORECASE)
_UNSHOWN: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_TEXT: Final = re.compile(r"text/|application/(.*\+)?(json|xml|yaml|x-yaml|javascript|x-www-form-urlencoded)$|image/svg\+xml$")


def kind_of(answer: Answer) -> str:
    """Its media type without parameters, in small letters."""
    return answer.headers.get("content-type", "").partition(";")[0].strip().lower()


def is_text(answer: Answer) -> bool:
    return charset_of(answer) is not None or _TEXT.match(kind_of(answer)) is not None


def shown(text: str) -> str:
    return _UNSHOWN.sub(MARK, text)


def text_of(answer: Answer) -> str:
    try:
        found = answer.body.decode(charset_of(answer) or "utf-8", "replace")
    except (LookupError, ValueError):
        found = answer.body.decode("utf-8", "replace")
    return shown(found)


def charset_of(answer: Answer) -> str | None:
    found = _CHARSET.search(answer.headers.get("content-type", "")[:1_000])
    return found[1] if found else None


def excerpt(answer: Answer, most: int = 8_000) -> str:
    """For the message of an error: more than is shown of it, because secrets are taken out before it is cut to its length."""
    return text_of(answer)[:most].strip()

"""Times in orders and parameters: as the schema says, and never a number that somebody has to guess the meaning of."""

import re
from datetime import datetime
from typing import Annotated, Final, TypeAlias

from pydantic import AwareDatetime, BeforeValidator

_DATE_FIRST: Final = re.compile(r"\d{4}-")


def _written(value: object) -> object:
    """Pydantic alone takes a number, or a text that is one, for seconds or milliseconds since 1970, as its size suggests."""
    if isinstance(value, datetime) or (isinstance(value, str) and _DATE_FIRST.match(value)):
        return value
    raise ValueError("say a time with its zone, such as 2026-05-05T12:00:00Z")


WrittenTime: TypeAlias = Annotated[AwareDatetime, BeforeValidator(_written)]

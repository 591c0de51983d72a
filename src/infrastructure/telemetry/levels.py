"""What WEFT_LOG says: `info`, or `application.engine=debug,info`: a level for everything, and levels for modules and what is below."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.errors import Problem, ValidationError

LEVELS: Mapping[str, int] = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}


@dataclass(frozen=True, slots=True)
class Levels:
    """`default` and `named` as numbers of the standard library's logging."""

    default: int = LEVELS["info"]
    named: Mapping[str, int] = field(default_factory=dict)


def parse_levels(spec: str) -> Levels:
    """Parts are divided by commas; of two for the same thing the later holds. A part that says nothing we know is a `ValidationError`."""
    default, named = LEVELS["info"], {}
    for part in filter(None, (part.strip() for part in spec.split(","))):
        name, given, level = part.rpartition("=")
        if level.lower() not in LEVELS or (given and not name):
            raise _unknown(part)
        if given:
            named[name] = LEVELS[level.lower()]
        else:
            default = LEVELS[level.lower()]
    return Levels(default, named)


def _unknown(part: str) -> ValidationError:
    message = f"WEFT_LOG: {part!r} is neither a level nor module=level; levels: {', '.join(LEVELS)}"
    return ValidationError(message, [Problem("", "unknown_level", message)])

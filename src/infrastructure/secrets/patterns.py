"""What an owner wants neither in logs nor in the history, by patterns: e-mail addresses, numbers of cards."""

import logging
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import AfterValidator, Field

LONGEST: Final = 1_000
"""Characters of a pattern."""
SECONDS: Final = 0.1
"""So long one pattern may look through one text, which is not shown at all when that was not enough: some patterns would take for ever."""
log = logging.getLogger(__name__)


class Patterns:
    """A `domain.ports.secrets.Redact`, from any thread, which holds up no other while it looks."""

    def __init__(self, patterns: Mapping[str, str], seconds: float = SECONDS) -> None:
        import regex  # only who has patterns pays for it

        self._patterns = [(name, regex.compile(pattern)) for name, pattern in patterns.items()]
        self._seconds = seconds
        self._slow: set[str] = set()

    def __call__(self, text: str) -> str:
        for name, pattern in self._patterns:
            try:
                text = pattern.sub(f"[redacted {name}]", text, timeout=self._seconds, concurrent=True)
            except TimeoutError:
                self._complain(name)
                return f"[redacted {name}: {len(text)} characters took too long to look through]"
        return text

    def _complain(self, name: str) -> None:
        """Once: the line is looked through as well."""
        if name not in self._slow:
            self._slow.add(name)
            log.warning("the pattern %s takes more than %g s for a text, which is not shown: make it simpler", name, self._seconds)


def _is_usable(pattern: str) -> str:
    import regex

    try:
        compiled = regex.compile(pattern)
    except regex.error as error:
        raise ValueError(f"it is no pattern: {error}") from error
    if compiled.search("", timeout=SECONDS) is not None:
        raise ValueError("it fits an empty text, and so would be found everywhere")
    return pattern


PatternSettings = Annotated[
    dict[
        Annotated[str, Field(pattern="^[a-z][a-z0-9_-]{0,63}$")],
        Annotated[str, Field(min_length=1, max_length=LONGEST), AfterValidator(_is_usable)],
    ],
    Field(description="name -> a regular expression: what fits is taken out of logs and of the history, as WEFT_REDACT__email=..."),
]

"""The words of a text, and the passage of it that has most of what somebody looks for."""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

_IDEOGRAPH: Final = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD: Final = re.compile(rf"[{_IDEOGRAPH}]|[^\W{_IDEOGRAPH}]+")
"""Scripts without spaces between words are searched character by character."""


class Word(NamedTuple):
    """A word as it is compared, and where it stands."""

    folded: str
    start: int
    end: int


def words(text: str) -> list[Word]:
    return [Word(unicodedata.normalize("NFKC", found.group()).casefold(), *found.span()) for found in _WORD.finditer(text)]


def snippet(text: str, worth: Mapping[str, float], width: int) -> str:
    """At most `width` characters of `text` and an ellipsis at each cut: the earliest place where the most of `worth` stands together."""
    start, end = _window(text, worth, width)
    passage = " ".join(text[start:end].split())
    return f"{'...' if start else ''}{passage}{'...' if end < len(text) else ''}"


def _window(text: str, worth: Mapping[str, float], width: int) -> tuple[int, int]:
    if len(text) <= width:
        return 0, len(text)
    everything = words(text)
    hits = [word for word in everything if word.folded in worth]
    start = _richest(hits, worth, width)
    fitting = [word.end for word in everything if start < word.end <= start + width]
    return start, fitting[-1] if fitting else start + width


def _richest(hits: Sequence[Word], worth: Mapping[str, float], width: int) -> int:
    """Where the window starts: at the hit from which `width` characters hold the most worth, each word counted once."""
    inside: Counter[str] = Counter()
    best, value, start, last = 0.0, 0.0, 0, 0
    for first in hits:
        while last < len(hits) and hits[last].end <= first.start + width:
            value += 0 if inside[hits[last].folded] else worth[hits[last].folded]
            inside[hits[last].folded] += 1
            last += 1
        if value > best + 1e-9:
            best, start = value, first.start
        if inside[first.folded]:
            inside[first.folded] -= 1
            value -= 0 if inside[first.folded] else worth[first.folded]
    return start

"""What a regular expression costs, guessed from above: its engine is linear, but compiling `\\w{300}` takes 50 ms and running a wide
automaton over a long text takes as long as both multiplied. One unit is about 8 microseconds to compile."""

import re
from typing import Final

MAX_WEIGHT: Final = 1_500
"""About 12 ms to compile."""
_ATOM = re.compile(
    r"""(?P<open>\((?:\?(?:P?<[^>]*>|[a-zA-Z-]*(?::|(?=\)))))?)
    |(?P<close>\))
    |(?P<count>\{\d*,?\d*\})
    |(?P<repeat>[*+?])
    |(?P<wide>\\[pP](?:\{[^}]*\}|.)|\\[wWDS])
    |(?P<set>\[\^?\]?(?:\\.|\[(?:\\.|[^\]\\])*\]|[^\]\\])*\])
    |(?P<one>\\.|.)""",
    re.VERBOSE | re.DOTALL,
)
_CLASS = re.compile(r"\\[wWdDsSpP]|\[:")
_FOLDING = re.compile(r"\(\?[a-zA-Z]*i")
_SPACED = re.compile(r"\(\?[a-zA-Z]*x")


def regex_weight(pattern: str) -> int:
    """Grows with length, with what counted repetitions repeat, and with classes that cover many characters."""
    if _SPACED.search(pattern):
        # With `(?x)` a repetition may stand apart from what it repeats.
        return MAX_WEIGHT + 1
    sums, last = [0], 0
    for atom in _ATOM.finditer(pattern):
        kind, text = str(atom.lastgroup), atom.group()
        if kind == "open":
            sums.append(0)
        if kind in ("open", "repeat"):
            continue
        if kind == "count":
            added = last * (_times(text) - 1)
            last += added
        else:
            added = last = (sums.pop() if len(sums) > 1 else 0) if kind == "close" else _own_weight(kind, text)
        sums[-1] += added
        if sums[-1] > MAX_WEIGHT:
            break
    return max(1, sum(sums)) * (3 if _FOLDING.search(pattern) else 1)


def _times(count: str) -> int:
    return max([1, *(int(number[:6]) for number in re.findall(r"\d+", count))])


def _own_weight(kind: str, text: str) -> int:
    if kind == "set":
        return 3 + 20 * len(_CLASS.findall(text)) + (10 if text.startswith("[^") or "\\x" in text else 0) + len(text) // 8
    if kind == "wide":
        return 20
    return 5 if text in (".", r"\d", r"\s") else 1

"""What a regular expression costs, guessed from above: its engine is linear, but compiling `\\w{300}` takes 50 ms and running a wide
automaton over a long text takes as long as both multiplied. One unit is about 8 microseconds to compile."""

import re
from typing import Final

MAX_WEIGHT: Final = 1_500
"""About 12 ms to compile."""
_ATOM = re.compile(
    r"(?P<flags>\(\?[a-zA-Z-]*i[a-zA-Z-]*[:)])|(?P<open>\((?:\?[^:)=!]*:?)?)|(?P<close>\))|(?P<count>\{(\d*),?(\d*)\})"
    r"|(?P<wide>\\[wWDSpP]|\\[pP]\{[^}]*\})|(?P<set>\[\^?\]?(?:\\.|\[:[^\]]*:\]|[^\]\\])*\])|(?P<any>\\.|.)",
    re.DOTALL,
)


def regex_weight(pattern: str) -> int:
    """Grows with length, with what counted repetitions repeat, and with classes that cover many characters."""
    sums, last = [0], 0
    factor = 3 if "(?" in pattern and re.search(r"\(\?[a-zA-Z]*i", pattern) else 1
    for atom in _ATOM.finditer(pattern):
        kind, text = atom.lastgroup, atom.group()
        if kind in ("open", "flags"):
            sums.append(0)
            last = 0
        elif kind == "close":
            last = sums.pop() if len(sums) > 1 else 0
            sums[-1] += last
        elif kind == "count":
            times = max([1, *(int(number[:6]) for number in re.findall(r"\d+", text))])
            sums[-1] += last * (times - 1)
            last *= times
        else:
            last = _atom_weight(text)
            sums[-1] += last
        if max(sums) > MAX_WEIGHT:
            break
    return sum(sums) * factor


def _atom_weight(text: str) -> int:
    if text.startswith("["):
        return 3 + 20 * len(re.findall(r"\\[wWDSpP]", text)) + (10 if text.startswith("[^") else 0) + len(text) // 8
    if text[0] == "\\" and text[1:2] in "wWDSpP" and len(text) > 1:
        return 20
    return 5 if text in (".", r"\d", r"\s") else 1

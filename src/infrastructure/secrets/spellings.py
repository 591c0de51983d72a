"""How a text may come back: in URLs, in JSON, in HTML, in Base64, in hexadecimal digits, and cut off.

Letters and digits come back as they are. Every other character has several spellings, and a text may mix them.
"""

import re
from base64 import b64encode
from dataclasses import dataclass
from functools import cached_property
from typing import Final

SHORTEST_CUT: Final = 8
"""So many characters of a text at the end of another are its beginning, cut off, and no chance."""
_KEPT: Final = 4096
"""Characters of a very long form that are looked for where a text is cut off."""
_RUN: Final = re.compile(r"[A-Za-z0-9]+")
_SIX_BITS: Final = "[A-Za-z0-9+/_-]?"
"""A digit of Base64 that holds some bits of a text and some of its neighbour."""
_SHORT: Final = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f"}
_NAMED: Final = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}
_INSTEAD: Final = {"+": r"\-", "/": "_"}
"""In the alphabet of Base64 for URLs."""
_ESCAPED: Final = r"\\{1,8}"
"""JSON in JSON doubles its backslashes. Bounded, so that no text makes the search long."""


@dataclass(frozen=True)
class Form:
    """`written`: the form as it is mostly written. `needle`: is in every text that holds the form, and quickly looked for."""

    written: str
    needle: str
    source: str

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Compiled when a text has the needle in it, which is hardly ever."""
        return re.compile(self.source)

    @property
    def pieces(self) -> frozenset[str]:
        """With one of them ends every text that ends with a beginning of this form."""
        kept = self.written[:_KEPT]
        return frozenset(kept[at : at + SHORTEST_CUT] for at in range(len(kept) - SHORTEST_CUT + 1))


def forms_of(value: str) -> tuple[Form, ...]:
    data = value.encode("utf-8", "surrogatepass")
    digits = (data.hex(), data.hex().upper())
    return (
        _form(value, "".join(map(_spelling, value))),
        *(_in_base64(data, before) for before in range(3)),
        *(_form(each, each) for each in dict.fromkeys(digits)),
    )


def _form(written: str, source: str) -> Form:
    return Form(written, max(_RUN.findall(written), key=len, default=""), source)


def _in_base64(data: bytes, before: int) -> Form:
    """Inside a longer text, `before` bytes after one that begins a group of three (RFC 4648): only digits all of whose bits are known."""
    known = b64encode(bytes(before) + data).decode("ascii")[(before * 8 + 5) // 6 : (before + len(data)) * 8 // 6]
    begins, ends = _SIX_BITS if before else "", _SIX_BITS if (before + len(data)) % 3 else ""
    return _form(known, f"{begins}{''.join(_spelling(digit, _INSTEAD.get(digit, '')) for digit in known)}{ends}(?:=|%3[dD]){{0,2}}")


def _spelling(character: str, instead: str = "") -> str:
    if character.isascii() and character.isalnum():
        return character
    return f"(?:{'|'.join([*_plainly(character), *([instead] if instead else []), *_by_number(character)])})"


def _plainly(character: str) -> list[str]:
    if character == "\\":
        return [_ESCAPED]
    found = [r"\\{0,8}" + re.escape(character)]
    if character in _SHORT:
        found.append(_ESCAPED + _SHORT[character])
    if character in _NAMED:
        found.append(f"&{_NAMED[character]};")
    if character == " ":
        found.append(r"\+")
    return found


def _by_number(character: str) -> list[str]:
    code = ord(character)
    in_utf8 = character.encode("utf-8", "surrogatepass")
    in_utf16 = character.encode("utf-16-be", "surrogatepass").hex()
    units = [in_utf16[at : at + 4] for at in range(0, len(in_utf16), 4)]
    found = [
        "".join(f"%(?:25){{0,3}}{_digits(f'{byte:02x}')}" for byte in in_utf8),
        "".join(f"{_ESCAPED}u{_digits(unit)}" for unit in units),
        f"&#0{{0,4}}{code};",
        f"&#[xX]0{{0,4}}{_digits(f'{code:x}')};",
    ]
    return [*found, f"{_ESCAPED}x{_digits(f'{code:02x}')}" if code < 256 else f"{_ESCAPED}U{_digits(f'{code:08x}')}"]


def _digits(number: str) -> str:
    """Hexadecimal, in small letters or capitals."""
    return "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in number)

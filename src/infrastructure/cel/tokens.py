"""CEL as words and signs."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from domain.errors import ExpressionError

_TOKEN = re.compile(
    r"""(?P<skip>\s+|//[^\n]*)
    |(?P<text>[bB]?[rR][bB]?(?:\"{3}.*?\"{3}|'{3}.*?'{3}|"[^"\n]*"|'[^'\n]*')
        |[bB]?(?:\"{3}(?:\\.|[^\\])*?\"{3}|'{3}(?:\\.|[^\\])*?'{3}|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
    |(?P<number>0[xX][0-9a-fA-F]+[uU]?|\d+\.\d+(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\d+[uU]?)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<sign>&&|\|\||==|!=|<=|>=|[-+*/%!<>?:.,()\[\]{}])""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Token:
    """`kind`: `text`, `number`, `name` or `sign`; `start` and `end` are offsets into the source."""

    kind: str
    text: str
    start: int
    end: int


def tokens_of(source: str, at: int = 0) -> Iterator[Token]:
    while at < len(source):
        found = _TOKEN.match(source, at)
        if found is None:
            raise ExpressionError(f"unexpected {source[at]!r} at character {at + 1}")
        at = found.end()
        if found.lastgroup != "skip":
            yield Token(str(found.lastgroup), found.group(), found.start(), at)


def closing_brace(text: str, start: int) -> int:
    """Where the `}` stands that closes the `${` whose expression begins at `start`; braces in strings do not count."""
    depth = 0
    for token in tokens_of(text, start):
        if token.text == "{":
            depth += 1
        elif token.text == "}":
            if depth == 0:
                return token.start
            depth -= 1
    raise ExpressionError("a `${` is never closed by `}`")

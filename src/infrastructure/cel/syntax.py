"""CEL as text: what an expression names, calls and nests, told from its tokens.

The CEL library offers no syntax tree, and its parser trusts its stack. So every expression is scanned here first: size and nesting
are bounded before the library sees it, and the paths it reads are known exactly.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from domain.errors import ExpressionError
from domain.ports.expressions import RECALLED
from domain.secret import NOT_IN_GRAPHS
from infrastructure.cel.tokens import Token, tokens_of

MAX_LENGTH: Final = 4096
MAX_TOKENS: Final = 800
MAX_BRACKETS: Final = 32
ROOTS: Final = frozenset({"state", "input", "output", "item", "index", "error", "errors", "run", "undone"})
RECALL: Final = "recall"
MACROS: Final = frozenset({"all", "exists", "exists_one", "filter", "map"})
MINE: Final = "weft_"
"""Names that begin so stand for the results of macros; authors may not use them."""
_TYPES = frozenset({"bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint"})
_WORDS = frozenset({"true", "false", "null", "in"})
FUNCTIONS: Final = frozenset({
    RECALL, "size", "contains", "startsWith", "endsWith", "matches", "int", "uint", "double", "string", "bytes", "type", "dyn", "timestamp",
    "duration", "has", "getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getHours", "getMinutes",
    "getSeconds", "getMilliseconds",
})  # fmt: skip
Path = tuple[str, ...]

_CLOSES = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True, slots=True)
class Scan:
    """The tokens of one expression; `partner` maps each bracket to the one it belongs to."""

    source: str
    tokens: tuple[Token, ...]
    partner: dict[int, int]

    def text(self, index: int) -> str:
        """The token at an index, or "" outside."""
        return self.tokens[index].text if 0 <= index < len(self.tokens) else ""

    def is_operand_end(self, index: int) -> bool:
        if index < 0:
            return False
        token = self.tokens[index]
        return token.text in ")]}" if token.kind == "sign" else token.text != "in"

    def operand_start(self, end: int) -> int:
        """The first token of the operand (`a.b(c)[d].e`) whose last token is `end`."""
        at = self.partner.get(end, end)
        if self.text(end) == "]" and self.is_operand_end(at - 1):
            return self.operand_start(at - 1)
        if self.text(end) == ")" and at > 0 and self.tokens[at - 1].kind == "name" and self.text(at - 1) != "in":
            at -= 1
        return self.operand_start(at - 2) if self.text(at - 1) == "." else at

    def arguments(self, opening: int) -> list[tuple[int, int]]:
        """Token ranges (end exclusive) of the arguments inside a bracket."""
        ranges, begin, at, closing = [], opening + 1, opening + 1, self.partner[opening]
        while at < closing:
            if self.text(at) == ",":
                ranges.append((begin, at))
                begin = at + 1
            at = self.partner[at] + 1 if self.text(at) in _CLOSES else at + 1
        return [*ranges, (begin, closing)] if closing > opening + 1 else []


def scan(source: str, *, ours: bool = False) -> Scan:
    """`ExpressionError` for what is too long, too deep, or uses a name or function that does not exist. `ours`: calls of `recall` were
    replaced in it, and what an author wrote passed."""
    if not ours and (len(source) > MAX_LENGTH or len(source.encode("utf-8", "surrogatepass")) > MAX_LENGTH):
        raise ExpressionError(f"an expression is at most {MAX_LENGTH} bytes long")
    tokens = tuple(tokens_of(source))
    if not tokens:
        raise ExpressionError("the expression is empty")
    if len(tokens) > MAX_TOKENS:
        raise ExpressionError(f"an expression has at most {MAX_TOKENS} words and signs; this one has {len(tokens)}")
    scanned = Scan(source, tokens, _partners(tokens))
    for index in () if ours else range(len(tokens)):
        _refuse_unknown_syntax(scanned, index)
    return scanned


def _partners(tokens: tuple[Token, ...]) -> dict[int, int]:
    partner: dict[int, int] = {}
    still_open: list[int] = []
    for index, token in enumerate(tokens):
        if token.text in _CLOSES:
            still_open.append(index)
            if len(still_open) > MAX_BRACKETS:
                raise ExpressionError(f"brackets are nested at most {MAX_BRACKETS} deep")
        elif token.text in (")", "]", "}"):
            if not still_open or _CLOSES[tokens[still_open[-1]].text] != token.text:
                raise ExpressionError(f"`{token.text}` at character {token.start + 1} closes nothing")
            partner[index] = still_open.pop()
            partner[partner[index]] = index
    if still_open:
        raise ExpressionError(f"`{tokens[still_open[-1]].text}` at character {tokens[still_open[-1]].start + 1} is never closed")
    return partner


def _refuse_unknown_syntax(scanned: Scan, index: int) -> None:
    token, after = scanned.tokens[index], scanned.text(index + 1)
    if token.text == "." and not scanned.is_operand_end(index - 1):
        raise ExpressionError(f"`.` at character {token.start + 1} follows nothing")
    if token.kind != "name" or token.text in _WORDS:
        return
    if token.text.startswith(MINE):
        raise ExpressionError(f"names that begin with `{MINE}` are ours")
    is_member = scanned.text(index - 1) == "."
    if after == "{":
        raise ExpressionError(f"`{token.text}{{` makes a message, and there are no message types here")
    if after == "(" and token.text not in FUNCTIONS and not (is_member and token.text in MACROS):
        raise ExpressionError(f"there is no function `{token.text}`; there are {', '.join(sorted(FUNCTIONS | MACROS))}")


def paths_read(scanned: Scan, indexes: Iterable[int], bound: frozenset[str]) -> Iterator[Path]:
    """Every path that starts at one of these tokens; `bound` is the name that a macro around them introduces."""
    for index in indexes:
        token = scanned.tokens[index]
        if token.kind != "name" or token.text in _WORDS or scanned.text(index - 1) == "." or scanned.text(index + 1) == "(":
            continue
        if token.text in ROOTS or token.text in bound or token.text == RECALLED:
            yield _path_from(scanned, index)
        elif token.text not in _TYPES:
            raise ExpressionError(unknown_root(token.text, "expressions"))


def unknown_root(name: str, readers: str) -> str:
    return NOT_IN_GRAPHS if name == "secret" else f"`{name}` is not known; {readers} read {', '.join(sorted(ROOTS))}"


def _path_from(scanned: Scan, index: int) -> Path:
    path, at = [scanned.text(index)], index + 1
    while at + 1 < len(scanned.tokens):
        after = scanned.tokens[at + 1]
        if scanned.text(at) == "." and after.kind == "name" and scanned.text(at + 2) != "(":
            path.append(after.text)
            at += 2
        elif scanned.text(at) == "[" and _is_plain_text(after) and scanned.text(at + 2) == "]":
            path.append(after.text[1:-1])
            at += 3
        else:
            break
    return tuple(path)


def _is_plain_text(token: Token) -> bool:
    """A string in single quotes signs with no escapes: what stands between them is its value."""
    return token.kind == "text" and token.text[0] in "\"'" and token.text[:3] not in ('"""', "'''") and "\\" not in token.text

"""`recall('colour')`, `recall('notes/colour', 'user')`: an item, read before the expression is evaluated."""

from collections.abc import Iterator

from domain.errors import ExpressionError
from domain.ports.expressions import RECALLED
from domain.remembering import reference_of
from infrastructure.cel.library import constant
from infrastructure.cel.syntax import RECALL, Scan

_SHAPE = "`recall` takes a key written as a string, and perhaps a scope: recall('notes/colour', 'user')"


def with_items(scanned: Scan) -> str:
    """The expression with a look-up of what was read in the place of each call. `ExpressionError` for what is only known when it runs."""
    text, at = "", 0
    for index, reference in _calls(scanned):
        text += f'{scanned.source[at : scanned.tokens[index].start]}{RECALLED}["{reference}"]'
        at = scanned.tokens[scanned.partner[index + 1]].end
    return text + scanned.source[at:]


def _calls(scanned: Scan) -> Iterator[tuple[int, str]]:
    for index, token in enumerate(scanned.tokens):
        if token.kind == "name" and token.text == RECALL and scanned.text(index + 1) == "(":
            if scanned.text(index - 1) == ".":
                raise ExpressionError(_SHAPE)
            yield index, _reference(scanned, scanned.arguments(index + 1))


def _reference(scanned: Scan, arguments: list[tuple[int, int]]) -> str:
    literal = all(end - begin == 1 and scanned.tokens[begin].kind == "text" for begin, end in arguments)
    said = [constant(scanned.text(begin)) for begin, _ in arguments] if literal else []
    words = [one for one in said if isinstance(one, str)]
    if not 1 <= len(words) == len(arguments) <= 2:
        raise ExpressionError(_SHAPE)
    if any(sign in word for word in words for sign in "\"'\\"):
        raise ExpressionError("`recall` takes no key with quotes or backslashes; the tool `recall` does")
    return reference_of(*words)

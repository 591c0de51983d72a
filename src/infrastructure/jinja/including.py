"""`{% include %}` without a loader: the tree of what is included takes its place before anything is checked or compiled."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from jinja2 import nodes

from domain.errors import ExpressionError
from domain.ports.templates import Piece

MAX_INCLUDES: Final = 100
"""In one template, those inside of others counted each time."""
MAX_NODES: Final = 5_000
"""Of the syntax tree, all of them together."""


def name_of(include: nodes.Include) -> str:
    """`ExpressionError` for one whose name is not written out."""
    written = include.template
    if isinstance(written, nodes.Const) and isinstance(written.value, str) and not include.ignore_missing and include.with_context:
        return written.value
    raise ExpressionError(f"line {include.lineno}: write `{{% include 'name' %}}`, with a name in quotation marks and nothing else")


@dataclass(slots=True)
class Joining:
    parse: Callable[[str], nodes.Template]
    includes: int = 0
    nodes_made: int = 0

    def joined(self, piece: Piece, above: tuple[Piece, ...] = ()) -> nodes.Template:
        tree = self.parse(piece.text)
        self.nodes_made += sum(1 for _ in tree.find_all(nodes.Node))
        if self.nodes_made > MAX_NODES:
            raise ExpressionError(f"with all that it includes it has more than {MAX_NODES:,} parts")
        self._fill(tree, piece, (*above, piece))
        return tree

    def _fill(self, node: nodes.Node, piece: Piece, above: tuple[Piece, ...]) -> None:
        for _, value in node.iter_fields():
            if isinstance(value, list):
                value[:] = [self._filled(one, piece, above) for one in value]
        for child in node.iter_child_nodes():
            if not isinstance(child, nodes.Scope):
                self._fill(child, piece, above)

    def _filled(self, value: object, piece: Piece, above: tuple[Piece, ...]) -> object:
        """What is set inside of an include is not seen outside."""
        if not isinstance(value, nodes.Include):
            return value
        name = name_of(value)
        self.includes += 1
        if self.includes > MAX_INCLUDES:
            raise ExpressionError(f"it includes more than {MAX_INCLUDES} times")
        part = piece.parts.get(name)
        if part is None:
            raise ExpressionError(f"line {value.lineno}: {_nothing(name, piece)}")
        if part in above:
            raise ExpressionError(f"line {value.lineno}: `{name}` includes itself")
        try:
            return nodes.Scope(self.joined(part, above).body, lineno=value.lineno)
        except ExpressionError as error:
            raise ExpressionError(f"in `{name}`: {error.message}") from None


def _nothing(name: str, piece: Piece) -> str:
    known = ", ".join(sorted(piece.parts)) or "none"
    pin = "" if "@" in name else f"; another published prompt is included by its version, as `{name}@1`"
    return f"there is no partial `{name}` (there are: {known}){pin}"

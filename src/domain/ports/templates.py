"""Prompt templates (Jinja2 in its sandbox)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from domain.ports.expressions import Scope


class Template(Protocol):
    @property
    def paths(self) -> frozenset[tuple[str, ...]]:
        """What it reads, as far as can be told from its text; root first."""

    def __call__(self, scope: Scope) -> str:
        """Render. `ExpressionError` for an undefined name or a limit (output size, time)."""


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """The text of a template, and what it may include by which name; those may include each other, even in circles, which is refused when
    it is put together."""

    text: str
    parts: Mapping[str, "Piece"]


class Templates(Protocol):
    def compile(self, source: str) -> Template:
        """`ExpressionError` when it does not parse or uses what is not allowed."""

    def includes(self, source: str) -> frozenset[str]:
        """What it includes, by the names it uses; `ExpressionError` when it does not parse or a name is not written out."""

    def put_together(self, piece: Piece, variables: frozenset[str]) -> Template:
        """One template with all that it includes, which may name these variables and nothing else. `ExpressionError` as `compile`, and for
        what is not there, comes back to itself, or is too much."""

"""Prompt templates (Jinja2 in its sandbox)."""

from typing import Protocol

from domain.ports.expressions import Scope


class Template(Protocol):
    @property
    def paths(self) -> frozenset[tuple[str, ...]]:
        """What it reads, as far as can be told from its text; root first."""

    def __call__(self, scope: Scope) -> str:
        """Render. `ExpressionError` for an undefined name or a limit (output size, time)."""


class Templates(Protocol):
    def compile(self, source: str) -> Template:
        """`ExpressionError` when it does not parse or uses what is not allowed."""

"""Prompt templates. Jinja2 is imported when the first one with a hole in it is compiled."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from domain.errors import ExpressionError
from domain.ports.expressions import Scope
from domain.ports.templates import Piece, Template

MAX_SOURCE: Final = 256 * 1024
_SHOWN: Final = 120


def _named(source: str, reason: str) -> ExpressionError:
    shown = source if len(source) <= _SHOWN else source[:_SHOWN] + "..."
    return ExpressionError(f"template `{shown}`: {reason}")


@dataclass(frozen=True, slots=True)
class PlainText:
    """A template without a hole."""

    text: str
    paths: frozenset[tuple[str, ...]] = frozenset()

    def __call__(self, scope: Scope) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Prompt:
    source: str
    paths: frozenset[tuple[str, ...]]
    render: Callable[[Scope], str]

    def __call__(self, scope: Scope) -> str:
        try:
            return self.render(scope)
        except ExpressionError as error:
            raise _named(self.source, error.message) from None
        except Exception as error:
            raise _named(self.source, f"{error}" or type(error).__name__) from None


def _check_size(source: str) -> None:
    if len(source) > MAX_SOURCE or len(source.encode("utf-8", "surrogatepass")) > MAX_SOURCE:
        raise _named(source, f"a template is at most {MAX_SOURCE // 1024} KiB long")


def _has_holes(source: str) -> bool:
    return any(opening in source for opening in ("{{", "{%", "{#"))


@lru_cache(maxsize=1024)
def _compiled(source: str) -> Template:
    _check_size(source)
    if not _has_holes(source):
        return PlainText(source)
    from infrastructure.jinja.compiling import compile_template

    try:
        return Prompt(source, *compile_template(source))
    except ExpressionError as error:
        raise _named(source, error.message) from None


@dataclass(frozen=True, slots=True)
class JinjaTemplates:
    """Compiled once per text and kept; what is put together of several is not kept. What a template may use is listed in
    infrastructure/jinja."""

    def compile(self, source: str) -> Template:
        return _compiled(source)

    def includes(self, source: str) -> frozenset[str]:
        _check_size(source)
        if "{%" not in source:
            return frozenset()
        from infrastructure.jinja.compiling import names_included

        return names_included(source)

    def put_together(self, piece: Piece, variables: frozenset[str]) -> Template:
        _check_size(piece.text)
        if not _has_holes(piece.text):
            return PlainText(piece.text)
        from infrastructure.jinja.compiling import compile_pieces

        return Prompt(piece.text, *compile_pieces(piece, variables))

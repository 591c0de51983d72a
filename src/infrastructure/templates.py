"""Prompt templates. Jinja2 is imported when the first one with a hole in it is compiled."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from domain.errors import ExpressionError
from domain.ports.expressions import Scope
from domain.ports.templates import Template

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


@lru_cache(maxsize=1024)
def _compiled(source: str) -> Template:
    if len(source) > MAX_SOURCE or len(source.encode("utf-8", "surrogatepass")) > MAX_SOURCE:
        raise _named(source, f"a template is at most {MAX_SOURCE // 1024} KiB long")
    if not any(opening in source for opening in ("{{", "{%", "{#")):
        return PlainText(source)
    from infrastructure.jinja.compiling import compile_template

    try:
        paths, render = compile_template(source)
    except ExpressionError as error:
        raise _named(source, error.message) from None
    return Prompt(source, paths, render)


@dataclass(frozen=True, slots=True)
class JinjaTemplates:
    """Compiled once per text and kept. What a template may use is listed in infrastructure/jinja."""

    def compile(self, source: str) -> Template:
        return _compiled(source)

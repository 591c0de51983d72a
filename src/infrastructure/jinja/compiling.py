"""From the text of a template to a function that renders it."""

from collections.abc import Callable
from functools import lru_cache
from itertools import islice
from typing import Final

from jinja2 import Template
from jinja2.exceptions import TemplateError, TemplateSyntaxError

from domain.errors import ExpressionError
from domain.ports.expressions import Scope
from infrastructure.cel.syntax import Path
from infrastructure.jinja import rules
from infrastructure.jinja.budget import MAX_OUTPUT, NAME, Budget
from infrastructure.jinja.environment import PromptEnvironment

MAX_TOKENS: Final = 3_000
"""Words and signs inside holes, and the texts between them: Jinja2 compiles about 50 in a millisecond."""


@lru_cache(maxsize=1)
def _environment() -> PromptEnvironment:
    return PromptEnvironment()


def compile_template(source: str) -> tuple[frozenset[Path], Callable[[Scope], str]]:
    """What it reads, and how to render it."""
    environment = _environment()
    try:
        if next(islice(environment.lexer.tokeniter(source, None), MAX_TOKENS, None), None):
            raise ExpressionError(f"a template has at most {MAX_TOKENS:,} words and signs in its holes")
        tree = environment.parse(source)
        rules.check(tree)
        read = rules.paths(tree)
        rules.put_under_budget(tree)
        template = Template.from_code(environment, environment.compile(tree), environment.globals)
    except TemplateSyntaxError as error:
        raise ExpressionError(f"line {error.lineno}: {error.message}") from None
    except (TemplateError, SyntaxError, RecursionError, MemoryError, OverflowError, ValueError, AssertionError) as error:
        if isinstance(error, ExpressionError):
            raise
        raise ExpressionError(f"it does not compile: {str(error) or type(error).__name__}") from None
    return read, lambda scope: _render(template, scope)


def _render(template: Template, scope: Scope) -> str:
    budget = Budget()
    pieces: list[str] = []
    size = 0
    for piece in template.generate({**scope, NAME: budget}):
        size += len(piece)
        if size > MAX_OUTPUT:
            raise ExpressionError(f"its text is longer than {MAX_OUTPUT // 1024} KiB")
        budget.tick()
        pieces.append(piece)
    return "".join(pieces)

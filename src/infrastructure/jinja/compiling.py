"""From the text of a template to a function that renders it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from itertools import islice
from typing import Final, TypeAlias

from jinja2 import Template, nodes
from jinja2.exceptions import TemplateError, TemplateSyntaxError

from domain.errors import ExpressionError
from domain.ports.expressions import Scope
from domain.ports.templates import Piece
from infrastructure.cel.syntax import Path
from infrastructure.jinja import rules
from infrastructure.jinja.budget import MAX_OUTPUT, NAME, Budget
from infrastructure.jinja.environment import PromptEnvironment
from infrastructure.jinja.including import Joining, name_of

MAX_TOKENS: Final = 3_000
"""Words and signs inside holes, and the texts between them: Jinja2 compiles about 50 in a millisecond."""
Compiled: TypeAlias = tuple[frozenset[Path], Callable[[Scope], str]]


@lru_cache(maxsize=1)
def _environment() -> PromptEnvironment:
    return PromptEnvironment()


def compile_template(source: str) -> Compiled:
    """What it reads, and how to render it."""
    with _said_plainly():
        return _compiled(parsed(source), rules.OF_GRAPHS)


def compile_pieces(piece: Piece, variables: frozenset[str]) -> Compiled:
    """The same of a template with all that it includes."""
    with _said_plainly():
        return _compiled(Joining(parsed).joined(piece), rules.Known(variables, is_declared=True))


def names_included(source: str) -> frozenset[str]:
    with _said_plainly():
        return frozenset(name_of(include) for include in parsed(source).find_all(nodes.Include))


def parsed(source: str) -> nodes.Template:
    environment = _environment()
    if next(islice(environment.lexer.tokeniter(source, None), MAX_TOKENS, None), None):
        raise ExpressionError(f"a template has at most {MAX_TOKENS:,} words and signs in its holes")
    with _said_plainly():
        return environment.parse(source)


def _compiled(tree: nodes.Template, known: rules.Known) -> Compiled:
    environment = _environment()
    rules.check(tree, known)
    read = rules.paths(tree, known)
    rules.put_under_budget(tree)
    template = Template.from_code(environment, environment.compile(tree), environment.globals)
    return read, lambda scope: _render(template, scope)


@contextmanager
def _said_plainly() -> Iterator[None]:
    """Whatever goes wrong is an `ExpressionError`."""
    try:
        yield
    except TemplateSyntaxError as error:
        raise ExpressionError(f"line {error.lineno}: {error.message}") from None
    except (TemplateError, SyntaxError, RecursionError, MemoryError, OverflowError, ValueError, AssertionError) as error:
        if isinstance(error, ExpressionError):
            raise
        raise ExpressionError(f"it does not compile: {str(error) or type(error).__name__}") from None


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

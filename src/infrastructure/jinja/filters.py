"""The filters and tests a template may use: those of Jinja2 whose time and space follow their input, and our own in place of others."""

import functools
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Final, cast

from jinja2 import filters, tests
from jinja2.runtime import Context, Undefined
from jinja2.utils import pass_context

from domain.errors import ExpressionError
from domain.json import Json
from infrastructure.jinja.budget import MAX_OPERAND, NAME, Budget
from infrastructure.json_bounds import weigh

Apply = Callable[..., object]
MAX_INDENT: Final = 100
_CHEAP: Final = frozenset({"count", "d", "default", "first", "last", "length"})
_THEIRS: Final = (
    "abs", "capitalize", "count", "d", "default", "dictsort", "first", "float", "int", "items", "last", "length", "list", "lower", "map",
    "max", "min", "rejectattr", "reverse", "selectattr", "sort", "title", "trim", "truncate", "unique", "upper", "wordcount",
)  # fmt: skip
_TESTS: Final = (
    "boolean", "defined", "divisibleby", "even", "false", "float", "in", "integer", "iterable", "lower", "mapping", "none", "number",
    "odd", "sequence", "string", "true", "undefined", "upper", "eq", "equalto", "==", "ne", "!=", "lt", "<", "lessthan", "le", "<=",
    "gt", ">", "greaterthan", "ge", ">=",
)  # fmt: skip


def budget_of(context: Context) -> Budget:
    return cast(Budget, context.parent[NAME])


def text_of(value: object) -> str:
    """How a value stands in a prompt: a text as it is, numbers and words as in JSON, lists and objects as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, Undefined):
        return str(value)
    return json.dumps(value, ensure_ascii=False, default=_not_json)


def _not_json(value: object) -> str:
    """A missing field inside a list says so itself."""
    if isinstance(value, Undefined):
        return str(value)
    raise ExpressionError("only JSON can stand in a prompt")


@pass_context
def printed(context: Context, value: object) -> str:
    """What stands in `{{ }}`, as text."""
    if not isinstance(value, str):
        budget_of(context).look_at(value)
    return text_of(value)


def concat(context: Context, parts: Sequence[object]) -> str:
    budget_of(context).look_at(*parts)
    texts = [text_of(part) for part in parts]
    budget_of(context).make(sum(map(len, texts)))
    return "".join(texts)


def join(context: Context, value: Sequence[object], d: str = "", attribute: str | int | None = None) -> str:
    budget_of(context).look_at(value, d)
    items = list(value) if attribute is None else [context.environment.getitem(item, attribute) for item in value]
    texts = [text_of(item) for item in items]
    budget_of(context).make(sum(map(len, texts)) + len(d) * len(texts))
    return d.join(texts)


def replace(context: Context, value: str, old: str, new: str) -> str:
    budget_of(context).look_at(value, old, new)
    budget_of(context).make(len(value) + value.count(old) * len(new))
    return value.replace(old, new)


def indent(context: Context, value: str, width: int = 4, first: bool = False) -> str:
    budget_of(context).look_at(value)
    if not 0 <= width <= MAX_INDENT:
        raise ExpressionError(f"`indent` takes a width from 0 to {MAX_INDENT}")
    budget_of(context).make(len(value) + (value.count("\n") + 1) * width)
    return filters.do_indent(value, width, first)


def tojson(context: Context, value: Json, indent: int | None = None) -> str:
    budget_of(context).look_at(value)
    if indent is not None and not 0 <= indent <= 8:
        raise ExpressionError("`tojson` takes an indent from 0 to 8")
    return json.dumps(value, ensure_ascii=False, indent=indent, default=_not_json)


def rounded(context: Context, value: float, precision: int = 0) -> float:
    if not -15 <= precision <= 15:
        raise ExpressionError("`round` takes a precision from -15 to 15")
    return round(float(value), precision)


def total(context: Context, value: Sequence[float], attribute: str | None = None) -> float:
    budget_of(context).look_at(value)
    items = list(value) if attribute is None else [context.environment.getitem(item, attribute) for item in value]
    if any(isinstance(item, bool) or not isinstance(item, int | float) for item in items):
        raise ExpressionError("`sum` adds numbers")
    return sum(cast(list[float], items))


def string(context: Context, value: object) -> str:
    budget_of(context).look_at(value)
    return text_of(value)


def each(context: Context, values: object) -> Iterator[object]:
    return budget_of(context).each(values)


def sized(context: Context, value: object) -> object:
    """Put around what is compared."""
    budget_of(context).look_at(value)
    return value


def _whole(result: object) -> object:
    """Lazy results are made at once, where their size is counted."""
    if not isinstance(result, Iterator):
        return result
    made: list[object] = []
    left = MAX_OPERAND
    for item in result:
        left -= weigh(item, left)
        made.append(item)
    return made


def _bounded(name: str, theirs: Apply) -> Apply:
    """One of Jinja2's own filters behind the budget, whatever it wants to be passed first."""
    wants = getattr(theirs, "jinja_pass_arg", None)

    def apply(context: Context, *arguments: object, **named: object) -> object:
        budget = budget_of(context)
        if name in _CHEAP:
            budget.tick()
        else:
            budget.look_at(*arguments, *named.values())
        first = {"environment": context.environment, "context": context, "eval_context": context.eval_ctx}.get(wants.name if wants else "")
        return _whole(theirs(first, *arguments, **named) if wants else theirs(*arguments, **named))

    return pass_context(functools.wraps(theirs)(apply))


OURS: Final[dict[str, Apply]] = {
    "join": join, "replace": replace, "indent": indent, "tojson": tojson, "round": rounded, "sum": total, "string": string,
}  # fmt: skip
MACHINERY: Final[dict[str, Apply]] = {"weft_concat": concat, "weft_each": each, "weft_sized": sized}
FILTERS: Final[dict[str, Apply]] = {
    **{name: _bounded(name, cast(Apply, filters.FILTERS[name])) for name in _THEIRS},
    **{name: pass_context(ours) for name, ours in {**OURS, **MACHINERY}.items()},
}
TESTS: Final[dict[str, Apply]] = {name: _bounded(name, cast(Apply, tests.TESTS[name])) for name in _TESTS}

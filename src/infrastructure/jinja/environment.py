"""The sandbox: no attribute of a Python object can be reached, only members of JSON; arithmetic is bounded."""

import operator
from collections.abc import Callable, Mapping
from typing import Final

from jinja2.runtime import Context, LoopContext, StrictUndefined, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from domain.errors import ExpressionError
from infrastructure.jinja.budget import MAX_LOOP
from infrastructure.jinja.filters import FILTERS, TESTS, budget_of, printed
from infrastructure.json_bounds import INT_MAX, INT_MIN, weigh

_LOOP: Final = frozenset({"index", "index0", "first", "last", "length", "revindex", "revindex0", "previtem", "nextitem"})
_ARITHMETIC: Final[Mapping[str, Callable[..., object]]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "//": operator.floordiv, "%": operator.mod,
}  # fmt: skip


def bounded_range(*bounds: int) -> list[int]:
    numbers = range(*bounds)
    if len(numbers) > MAX_LOOP:
        raise ExpressionError(f"`range` makes at most {MAX_LOOP:,} numbers, not {len(numbers):,}")
    return list(numbers)


class PromptEnvironment(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset(_ARITHMETIC)

    def __init__(self) -> None:
        super().__init__(undefined=StrictUndefined, optimized=False, keep_trailing_newline=True, finalize=printed, cache_size=0)
        self.filters = dict(FILTERS)
        self.tests = dict(TESTS)
        self.globals = {"range": bounded_range}

    def getattr(self, obj: object, attribute: str) -> object:
        if isinstance(obj, LoopContext) and attribute in _LOOP:
            return getattr(obj, attribute)
        return self.getitem(obj, attribute)

    def getitem(self, obj: object, argument: object) -> object:
        """Members of objects by name, of lists and texts by number or slice; nothing else is there."""
        if isinstance(obj, Undefined):
            return obj._fail_with_undefined_error()
        if isinstance(obj, Mapping) and isinstance(argument, str) and argument in obj:
            return obj[argument]
        if isinstance(obj, list | tuple | str) and isinstance(argument, int | slice):
            try:
                return obj[argument]
            except IndexError:
                return self.undefined(f"there is no element {argument}; there are {len(obj)}")
        return self.undefined(f"there is no field `{argument}`")

    def call_binop(self, context: Context, operator: str, left: object, right: object) -> object:
        if isinstance(left, int | float) and isinstance(right, int | float):
            result = _ARITHMETIC[operator](left, right)
            if isinstance(result, int) and not INT_MIN <= result <= INT_MAX:
                raise ExpressionError(f"`{operator}` makes a whole number of more than 64 bits")
            return result
        if operator == "+" and isinstance(left, str | list) and type(left) is type(right):
            budget_of(context).look_at(left, right)
            budget_of(context).make(weigh(left) + weigh(right))
            return _ARITHMETIC[operator](left, right)
        if isinstance(left, Undefined) or isinstance(right, Undefined):
            return _ARITHMETIC[operator](left, right)
        raise ExpressionError(f"`{operator}` works on two numbers" + (", two texts or two lists" if operator == "+" else ""))

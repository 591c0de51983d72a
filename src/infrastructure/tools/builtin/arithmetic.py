"""What the calculator can do with fractions, and how big they may get."""

import ast
import math
import operator
from collections.abc import Callable, Mapping
from decimal import Context, Decimal, InvalidOperation
from fractions import Fraction
from typing import Final

from domain.errors import ToolError

MAX_BITS: Final = 1_000
"""Of a numerator and of a denominator: 301 digits, so that every value still has a nearest float."""
MAX_EXPONENT: Final = 300
MAX_PLACES: Final = 100
_SHOWN: Final = Context(prec=40, Emax=10_000, Emin=-10_000)


def bounded(value: Fraction) -> Fraction:
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > MAX_BITS:
        raise _too_big()
    return value


def literal(written: str) -> Fraction:
    """A decimal number as it is written, looked at before it is spelled out: `1e999999999` has a billion digits."""
    try:
        number = Decimal(written)
    except InvalidOperation:
        raise ToolError(f"{written} is not a number", "invalid_expression") from None
    if not number.is_finite() or abs(number.adjusted()) > MAX_EXPONENT:
        raise _too_big()
    return bounded(Fraction(number))


def decimal_text(value: Fraction) -> str:
    if value.denominator == 1:
        return str(value.numerator)
    digits = _SHOWN.divide(Decimal(value.numerator), Decimal(value.denominator)).normalize(_SHOWN)
    return format(digits, "f") if abs(digits.adjusted()) <= _SHOWN.prec else str(digits)


def _too_big() -> ToolError:
    return ToolError(f"a number gets too big or too fine: at most {MAX_EXPONENT} digits on either side of the point", "out_of_range")


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1:
        return _real(lambda: float(base) ** float(exponent) if base >= 0 else math.nan)
    size = max(abs(base.numerator), base.denominator)
    if size > 1 and (size.bit_length() - 1) * abs(exponent.numerator) > MAX_BITS:
        raise _too_big()
    return Fraction(base**exponent.numerator)


def _real(work: Callable[[], float]) -> Fraction:
    """A float as its shortest decimals say it; what is no number is a `ToolError`."""
    try:
        result = work()
    except (ValueError, OverflowError):
        result = math.nan
    if not math.isfinite(result):
        raise ToolError("the expression has no real value", "out_of_range")
    return literal(repr(result))


def _of_float(function: Callable[..., float]) -> Callable[..., Fraction]:
    return lambda *operands: _real(lambda: function(*map(float, operands)))


def _square_root(value: Fraction) -> Fraction:
    if value >= 0:
        exact = Fraction(math.isqrt(value.numerator), math.isqrt(value.denominator))
        if exact * exact == value:
            return exact
    return _of_float(math.sqrt)(value)


def _rounded(value: Fraction, places: Fraction = Fraction(0)) -> Fraction:
    """Half away from zero, as on paper."""
    if places.denominator != 1 or abs(places) > MAX_PLACES:
        raise ToolError(f"round takes a whole number of places up to {MAX_PLACES}", "out_of_range")
    scale = Fraction(10) ** places.numerator
    nearest = Fraction(math.floor(abs(value) * scale + Fraction(1, 2))) / scale
    return nearest if value >= 0 else -nearest


BINARY: Final[Mapping[type[ast.operator], Callable[[Fraction, Fraction], Fraction]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: lambda left, right: Fraction(left // right),
    ast.Mod: operator.mod,
    ast.Pow: _power,
}
UNARY: Final[Mapping[type[ast.unaryop], Callable[[Fraction], Fraction]]] = {ast.UAdd: operator.pos, ast.USub: operator.neg}
CONSTANTS: Final = {"pi": literal(repr(math.pi)), "e": literal(repr(math.e))}
FUNCTIONS: Final[Mapping[str, Callable[..., Fraction]]] = {
    "abs": abs,
    "ceil": lambda value: Fraction(math.ceil(value)),
    "cos": _of_float(math.cos),
    "exp": _of_float(math.exp),
    "floor": lambda value: Fraction(math.floor(value)),
    "log": _of_float(math.log),
    "log10": _of_float(math.log10),
    "log2": _of_float(math.log2),
    "max": lambda first, *others: max(first, *others) if others else first,
    "min": lambda first, *others: min(first, *others) if others else first,
    "round": _rounded,
    "sin": _of_float(math.sin),
    "sqrt": _square_root,
    "tan": _of_float(math.tan),
}

"""`calculator`: exact arithmetic. Every number is a fraction of two whole numbers; only roots, logarithms and angles are approximate."""

import ast
from collections.abc import Mapping
from fractions import Fraction
from typing import Final, cast

from domain.errors import ToolError
from domain.json import Json
from domain.ports.tools import ToolContext
from domain.tool import Tool, ToolMetadata, ToolType
from infrastructure.json_bounds import INT_MAX, INT_MIN
from infrastructure.tools.builtin.arithmetic import BINARY, CONSTANTS, FUNCTIONS, UNARY, bounded, decimal_text, literal
from infrastructure.tools.runnable import RunnableTool
from infrastructure.tools.threads import in_a_spare_thread

MAX_LENGTH: Final = 500
MAX_DEPTH: Final = 50
QUICK: Final = 200
"""Characters of an expression that is worked out in place."""

TOOL: Final = Tool(
    name="calculator",
    tool_type=ToolType.BUILTIN,
    metadata=ToolMetadata(
        "Works out an arithmetic expression exactly: + - * / // % ** and parentheses; "
        f"functions {', '.join(sorted(FUNCTIONS))}; constants {', '.join(sorted(CONSTANTS))}.",
        tags=("math",),
    ),
    parameters={
        "type": "object",
        "properties": {
            "expression": {"type": "string", "minLength": 1, "maxLength": MAX_LENGTH, "description": "For example `2*(3+4)`."},
            "variables": {
                "type": "object",
                "additionalProperties": {"type": "number"},
                "maxProperties": 100,
                "description": "Numbers the expression may name.",
            },
        },
        "required": ["expression"],
        "additionalProperties": False,
    },
    returns={
        "type": "object",
        "properties": {
            "result": {"type": "number", "description": "A whole number when it is one."},
            "text": {"type": "string", "description": "The same in decimal digits: exact when it ends within 40, else rounded there."},
        },
        "required": ["result", "text"],
        "additionalProperties": False,
    },
    examples=(
        {"arguments": {"expression": "2*(3+4)"}, "output": {"result": 14, "text": "14"}},
        {"arguments": {"expression": "price * 1.19", "variables": {"price": 100}}, "output": {"result": 119, "text": "119"}},
    ),
)


def calculate(arguments: Mapping[str, Json], context: ToolContext) -> Json:
    variables = cast(Mapping[str, int | float], arguments.get("variables", {}))
    names = CONSTANTS | {name: literal(repr(number)) for name, number in variables.items()}
    source = str(arguments["expression"]).strip()
    value = _Evaluator(source, names).value(_parsed(source), MAX_DEPTH)
    small = value.denominator == 1 and INT_MIN <= value.numerator <= INT_MAX
    return {"result": value.numerator if small else float(value), "text": decimal_text(value)}


def _parsed(source: str) -> ast.expr:
    try:
        return ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else "too deep or with too many digits"
        raise _refused(f"{source!r} is no arithmetic expression: {reason}") from None


def _refused(message: str) -> ToolError:
    return ToolError(message, "invalid_expression")


class _Evaluator:
    """Follows the tree of `ast` and knows nothing but numbers, operators, and the names it is given."""

    def __init__(self, source: str, names: Mapping[str, Fraction]) -> None:
        self._source = source
        self._names = names

    def value(self, node: ast.expr, depth: int) -> Fraction:
        if depth == 0:
            raise _refused(f"the expression is nested deeper than {MAX_DEPTH}")
        match node:
            case ast.Constant():
                return self._number(node)
            case ast.Name(id=name) if name in self._names:
                return self._names[name]
            case ast.UnaryOp() if type(node.op) in UNARY:
                return UNARY[type(node.op)](self.value(node.operand, depth - 1))
            case ast.BinOp() if type(node.op) in BINARY:
                return self._binary(node, depth - 1)
            case ast.Call(func=ast.Name(id=name), args=operands, keywords=[]) if name in FUNCTIONS:
                return self._call(name, [self.value(operand, depth - 1) for operand in operands])
            case _:
                raise _refused(self._why_not(node))

    def _number(self, node: ast.Constant) -> Fraction:
        written = ast.get_source_segment(self._source, node) or ""
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            raise _refused(f"{written} is not a number")
        return bounded(Fraction(node.value)) if isinstance(node.value, int) else literal(written)

    def _binary(self, node: ast.BinOp, depth: int) -> Fraction:
        left, right = self.value(node.left, depth), self.value(node.right, depth)
        try:
            return bounded(BINARY[type(node.op)](left, right))
        except ZeroDivisionError:
            raise ToolError(f"division by zero in {self._text(node)}", "division_by_zero") from None

    def _call(self, name: str, operands: list[Fraction]) -> Fraction:
        try:
            return bounded(FUNCTIONS[name](*operands))
        except TypeError:
            raise _refused(f"{name} does not take {len(operands)} numbers") from None
        except (ValueError, OverflowError, ZeroDivisionError):
            raise ToolError(f"{name} has no value here", "out_of_range") from None

    def _why_not(self, node: ast.expr) -> str:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitXor):
            return "`^` is not known; a power is written `**`"
        known = ", ".join(sorted({*self._names, *FUNCTIONS}))
        return f"{self._text(node)} is not allowed; besides numbers and + - * / // % ** there are {known}"

    def _text(self, node: ast.expr) -> str:
        return f"`{ast.get_source_segment(self._source, node) or ast.unparse(node)}`"


_beside = in_a_spare_thread(calculate)


async def _calculated(arguments: dict[str, Json], context: ToolContext) -> Json:
    """In place what a hop to a thread would take longer than: no powers, and not much of the rest."""
    expression = str(arguments["expression"])
    if len(expression) <= QUICK and "**" not in expression:
        return calculate(arguments, context)
    return await _beside(arguments, context)


def calculator() -> RunnableTool:
    return RunnableTool(TOOL, _calculated)

"""Expressions (CEL), and `${...}` in any JSON."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from domain.errors import ExpressionError
from domain.json import Json
from domain.ports.expressions import Value
from infrastructure.cel.plans import plan_of
from infrastructure.cel.tokens import closing_brace
from infrastructure.values import Compound, Computed, Condition, Literal, Lookup, OverFields, joined, refuse

MAX_NESTING: Final = 64


def _compiled(source: str, inside: str) -> Value:
    """`source` as the author wrote it, `inside` its CEL."""
    try:
        plan = plan_of(inside.strip())
    except ExpressionError as error:
        refuse(source, error)
    if plan.outer.path and not plan.macros:
        return Lookup(source, plan.outer.path)
    if not plan.macros and all(below and not any(below.values()) for below in plan.outer.tree.values()):
        fields = tuple((root, tuple(below or ())) for root, below in plan.outer.tree.items())
        return OverFields(source, plan, plan.outer.program.execute, fields)
    return Computed(source, plan)


def _text(written: str) -> Value:
    parts: list[Value] = []
    at = 0
    while (hole := written.find("${", at)) >= 0:
        if hole > at:
            parts.append(Literal(written[at:hole], written[at:hole]))
        try:
            end = closing_brace(written, hole + 2)
        except ExpressionError as error:
            refuse(written[hole:], error)
        parts.append(_compiled(written[hole : end + 1], written[hole + 2 : end]))
        at = end + 1
    if len(parts) == 1 and at == len(written):
        return parts[0]
    if at < len(written):
        parts.append(Literal(written[at:], written[at:]))
    return Compound(written, tuple(parts), joined)


def _value(written: Json, depth: int = 0) -> Value:
    if depth > MAX_NESTING:
        raise ExpressionError(f"a value is nested deeper than {MAX_NESTING}")
    if isinstance(written, str):
        return _text(written) if "${" in written else Literal(written, written)
    if isinstance(written, Mapping):
        return _whole(written, list(written.values()), lambda parts: dict(zip(written, parts, strict=True)), depth)
    if isinstance(written, Sequence):
        return _whole(written, written, list, depth)
    return Literal(json.dumps(written), written)


def _whole(written: Json, inside: Sequence[Json], make: Callable[[Sequence[Json]], Json], depth: int) -> Value:
    parts = tuple(_value(one, depth + 1) for one in inside)
    source = next((part.source for part in parts if not isinstance(part, Literal)), "")
    return Compound(source, parts, make) if source else Literal("", written)


@dataclass(frozen=True, slots=True)
class CelExpressions:
    """Compiled once per text and kept; bounded as docs/how-a-graph-runs.md says."""

    def condition(self, source: str) -> Value:
        return Condition(_compiled(source, source))

    def value(self, written: Json) -> Value:
        return _value(written)

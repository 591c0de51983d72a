"""Expressions (CEL) and the values that hold them."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NoReturn

from domain.errors import ExpressionError
from domain.json import Json
from domain.ports.expressions import Scope, Value
from infrastructure.cel_library import explained
from infrastructure.cel_plans import plan_of
from infrastructure.cel_programs import Plan, look_up
from infrastructure.cel_syntax import MAX_LENGTH, Path, closing_brace
from infrastructure.json_bounds import INT_MAX, INT_MIN, MAX_WEIGHT, plain, weigh

MAX_NESTING: Final = 64
_SHOWN = 200
_SHORT = 1000
"""Characters of text that any expression may work on: such a string is not weighed."""
_MISSING: Final = object()
_FLAT: Final = frozenset({bool, float, type(None)})
_NOTHING: frozenset[Path] = frozenset()


def _refuse(source: str, error: BaseException) -> NoReturn:
    reason = explained(error)
    shown = source if len(source) <= _SHOWN else source[:_SHOWN] + "..."
    raise ExpressionError(f"`{shown}`: {reason.message}") from None


def _result(value: object) -> Json:
    """What CEL made, as JSON of bounded size."""
    result = plain(value)
    if isinstance(result, str | list | dict):
        weigh(result, MAX_WEIGHT)
    return result


@dataclass(frozen=True, slots=True)
class Literal:
    source: str
    written: Json
    paths: frozenset[Path] = _NOTHING

    def __call__(self, scope: Scope) -> Json:
        return self.written


@dataclass(frozen=True, slots=True)
class Lookup:
    """`${state.ticket}`: no CEL is needed, and the value is handed on as it is."""

    source: str
    path: Path

    @property
    def paths(self) -> frozenset[Path]:
        return frozenset({self.path})

    def __call__(self, scope: Scope) -> Json:
        try:
            value: object = scope
            for name in self.path:
                value = value[name]  # type: ignore[index]
        except (KeyError, TypeError, IndexError):
            pass
        else:
            return value  # type: ignore[return-value]
        try:
            return look_up(self.path, scope)  # type: ignore[return-value]
        except ExpressionError as error:
            _refuse(self.source, error)


@dataclass(frozen=True, slots=True)
class Computed:
    source: str
    plan: Plan

    @property
    def paths(self) -> frozenset[Path]:
        return self.plan.paths

    def __call__(self, scope: Scope) -> Json:
        try:
            return _result(self.plan.run(scope))
        except BaseException as error:
            _refuse(self.source, error)


@dataclass(frozen=True, slots=True)
class OverFields:
    """`${state.x + 1}`: the shape most expressions have, bound by hand because it runs at every step. `fields`: names by root."""

    source: str
    plan: Plan
    execute: Callable[[dict[str, object]], object]
    fields: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def paths(self) -> frozenset[Path]:
        return self.plan.paths

    def __call__(self, scope: Scope) -> Json:
        try:
            context = self._small_context(scope)
            if context is not None:
                result = self.execute(context)
                kind = type(result)
                return result if kind is int or kind is bool else _result(result)  # type: ignore[return-value]
        except BaseException as error:
            _refuse(self.source, error)
        return Computed(self.source, self.plan)(scope)

    def _small_context(self, scope: Scope) -> dict[str, object] | None:
        """None unless everything it reads is there, plain and small: then the long way weighs it, or finds out what is missing."""
        context: dict[str, object] = {}
        for root, names in self.fields:
            source, bound = scope.get(root), {}
            if not isinstance(source, dict):
                return None
            for name in names:
                value = source.get(name, _MISSING)
                kind = type(value)
                if not ((kind is int and INT_MIN <= value <= INT_MAX) or (kind is str and len(value) <= _SHORT) or kind in _FLAT):
                    return None
                bound[name] = value
            context[root] = bound
        return context


@dataclass(frozen=True, slots=True)
class Condition:
    inner: Value

    @property
    def source(self) -> str:
        return self.inner.source

    @property
    def paths(self) -> frozenset[Path]:
        return self.inner.paths

    def __call__(self, scope: Scope) -> Json:
        verdict = self.inner(scope)
        if verdict is True or verdict is False:
            return verdict
        _refuse(self.source, ExpressionError(f"a condition must be true or false, not {json.dumps(verdict)[:60]}"))


@dataclass(frozen=True, slots=True)
class Compound:
    """Text, a list or an object with values inside; `make` puts the evaluated ones together."""

    source: str
    parts: tuple[Value, ...]
    make: Callable[[Sequence[Json]], Json]

    @property
    def paths(self) -> frozenset[Path]:
        return frozenset().union(*(part.paths for part in self.parts))

    def __call__(self, scope: Scope) -> Json:
        return self.make([part(scope) for part in self.parts])


def text_of(value: Json) -> str:
    """How a value reads inside a text: a string as it is, anything else as JSON."""
    if type(value) is int:
        return str(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _joined(parts: Sequence[Json]) -> Json:
    return "".join(map(text_of, parts))


def _compiled(source: str, inside: str) -> Value:
    """`source` as the author wrote it, `inside` its CEL."""
    try:
        plan = plan_of(inside.strip())
    except ExpressionError as error:
        _refuse(source, error)
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
            _refuse(written[hole:], error)
        parts.append(_compiled(written[hole : end + 1], written[hole + 2 : end]))
        at = end + 1
    if len(parts) == 1 and at == len(written):
        return parts[0]
    if at < len(written):
        parts.append(Literal(written[at:], written[at:]))
    return Compound(written, tuple(parts), _joined)


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


__all__ = ["MAX_LENGTH", "CelExpressions", "text_of"]

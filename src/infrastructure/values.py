"""Compiled values: literals, look-ups, CEL, and text, lists and objects with those inside."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NoReturn

from domain.errors import ExpressionError
from domain.json import Json
from domain.ports.expressions import Scope, Value
from infrastructure.cel.library import explained
from infrastructure.cel.macros import Plan
from infrastructure.cel.programs import look_up
from infrastructure.cel.syntax import Path
from infrastructure.json_bounds import INT_MAX, INT_MIN, MAX_WEIGHT, plain, weigh

_SHOWN = 200
_SHORT = 1000
"""Characters of text that any expression may work on: such a string is not weighed."""
PASSED_ON: Final = 64_000_000
"""Weight of a value that is handed on or put together: a channel that grows by itself would else outgrow the memory of the process."""
_GROWS: Final = frozenset({list, dict, str, tuple})
_MISSING: Final = object()
_FLAT: Final = frozenset({bool, float, type(None)})
_NOTHING: frozenset[Path] = frozenset()


def refuse(source: str, error: BaseException) -> NoReturn:
    reason = explained(error)
    shown = source if len(source) <= _SHOWN else source[:_SHOWN] + "..."
    raise ExpressionError(f"`{shown}`: {reason.message}") from None


def _weighed(source: str, value: object) -> None:
    try:
        weigh(value, PASSED_ON)
    except ExpressionError as error:
        refuse(source, error)


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
    """`${state.ticket}`: no CEL is needed, and the value is handed on as it is, up to `PASSED_ON`."""

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
            return self._bounded(value)
        try:
            return self._bounded(look_up(self.path, scope))
        except ExpressionError as error:
            refuse(self.source, error)

    def _bounded(self, value: object) -> Json:
        if type(value) in _GROWS:
            _weighed(self.source, value)
        return value  # type: ignore[return-value]


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
            refuse(self.source, error)


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
            refuse(self.source, error)
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
        refuse(self.source, ExpressionError(f"a condition must be true or false, not {json.dumps(verdict)[:60]}"))


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
        made = self.make([part(scope) for part in self.parts])
        _weighed(self.source, made)
        return made


def text_of(value: Json) -> str:
    """How a value reads inside a text: a string as it is, anything else as JSON."""
    if type(value) is int:
        return str(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def joined(parts: Sequence[Json]) -> Json:
    return "".join(map(text_of, parts))

"""Macros and the plan they are part of.

The library runs a macro (`filter`, `map`, ...) in quadratic time and cannot be stopped. So macros are taken out of the expression
and run here, one program per element, and the rest of the expression sees their results as variables.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from domain.errors import ExpressionError
from domain.ports.expressions import Scope
from infrastructure.cel.library import explained
from infrastructure.cel.programs import Binding, Code, Results, look_up
from infrastructure.cel.syntax import MINE, Path
from infrastructure.json_bounds import MAX_WEIGHT, weigh
from infrastructure.processor_time import worked

MAX_LIST: Final = 1000
SECONDS: Final = 0.05
"""Processor time for all macros of one evaluation."""


class TooMuch(ExpressionError):
    """A limit: unlike an error in a branch not taken, it always counts."""


@dataclass(frozen=True, slots=True)
class Macro:
    """`target.kind(variable, body)`; `map` may have a condition before its body."""

    name: str
    kind: str
    variable: str
    target: Code
    condition: Code | None
    body: Code | None

    def run(self, scope: Scope, results: Results, deadline: float) -> object:
        items = self._items(scope, results)
        if self.kind in ("filter", "map"):
            return self._collected(items, scope, results, deadline)
        verdicts = (bool(verdict) for _, verdict in self._judged(items, scope, results, deadline))
        if self.kind == "all":
            return all(verdicts)
        return any(verdicts) if self.kind == "exists" else sum(verdicts) == 1

    def _items(self, scope: Scope, results: Results) -> list[object]:
        path = self.target.path
        value = look_up(path, results if path[0] in results else scope) if path else self.target.run(scope, results)
        if not isinstance(value, list | tuple | Mapping):
            raise ExpressionError(f"`{self.kind}` works on a list or an object")
        if len(value) > MAX_LIST:
            raise TooMuch(f"`{self.kind}` works on at most {MAX_LIST:,} elements; there are {len(value):,}")
        return list(value)

    def _judged(self, items: list[object], scope: Scope, results: Results, deadline: float) -> Iterator[tuple[object, bool]]:
        if self.condition is None:
            yield from ((item, True) for item in items)
            return
        for item, verdict in self._each(self.condition, items, scope, results, deadline):
            if not isinstance(verdict, bool):
                raise ExpressionError(f"the condition of `{self.kind}` must be true or false")
            yield item, verdict

    def _collected(self, items: list[object], scope: Scope, results: Results, deadline: float) -> list[object]:
        kept = [item for item, verdict in self._judged(items, scope, results, deadline) if verdict]
        if self.body is None:
            return kept
        made, left = [], MAX_WEIGHT
        for _, result in self._each(self.body, kept, scope, results, deadline):
            left -= weigh(result, left)
            made.append(result)
        return made

    def _each(self, code: Code, items: list[object], scope: Scope, results: Results, deadline: float) -> Iterator[tuple[object, object]]:
        context = code.context(scope, results)
        for item in items:
            binding = Binding(code.ceiling)
            context[self.variable] = binding.take(code.fields, item) if code.fields and isinstance(item, dict) else binding.whole(item)
            yield item, code.program.execute(context)
            if worked() > deadline:
                raise TooMuch(f"`{self.kind}` takes longer than {SECONDS * 1000:.0f} ms")


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole expression: its macros, inner ones of a chain first, then what is around them."""

    paths: frozenset[Path]
    outer: Code
    macros: tuple[Macro, ...] = field(default=())

    def run(self, scope: Scope) -> object:
        if not self.macros:
            return self.outer.run(scope, {})
        results: Results = {}
        failures: dict[str, ExpressionError] = {}
        deadline = worked() + SECONDS
        for macro in self.macros:
            try:
                results[macro.name] = macro.run(scope, results, deadline)
            except TooMuch:
                raise
            except BaseException as error:
                # Left unbound: whether its failure matters is for the expression around it to say (`false && ...`).
                failures[macro.name] = explained(error)
        try:
            return self.outer.run(scope, results)
        except RuntimeError as error:
            raise next((failure for name, failure in failures.items() if f"'{name}'" in str(error)), error) from None


def name_of(number: int) -> str:
    return f"{MINE}{number}"

"""CEL made ready to run: each program gets only the paths it reads, as much as it can work through in time.

The library runs a macro (`filter`, `map`, ...) in quadratic time and cannot be stopped. So macros are taken out of the expression
and run here, one program per element, and the rest of the expression sees their results as variables.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from time import thread_time
from typing import Final, TypeAlias

from domain.errors import ExpressionError
from domain.ports.expressions import Scope
from infrastructure.cel_library import Program, constant, explained
from infrastructure.cel_syntax import MINE, Path, Scan
from infrastructure.json_bounds import MAX_WEIGHT, weigh
from infrastructure.regex_weight import MAX_WEIGHT as MAX_REGEX
from infrastructure.regex_weight import regex_weight

MAX_LIST: Final = 1000
SECONDS: Final = 0.07
"""Processor time for all macros of one evaluation."""
_WORK = 50_000_000
_REGEX_WORK = 20_000_000
Tree: TypeAlias = dict[str, "Tree | None"]
Results: TypeAlias = dict[str, object]


class TooMuch(ExpressionError):
    """A limit: unlike an error in a branch not taken, it always counts."""


def tree_of(paths: frozenset[Path]) -> Tree:
    """What to bind: names to names; None: everything below."""
    tree: Tree = {}
    for path in sorted(paths, key=len):
        below: Tree | None = tree
        for name in path[:-1]:
            if below is not None:
                below = below.setdefault(name, {})
        if below is not None:
            below[path[-1]] = None
    return tree


@dataclass(slots=True)
class Binding:
    """One evaluation's context, and how much weight it may still take."""

    left: int

    def take(self, tree: Tree, source: Mapping[str, object]) -> Results:
        taken: Results = {}
        for name, below in tree.items():
            if name in source:
                value = source[name]
                taken[name] = self.take(below, value) if below and isinstance(value, Mapping) else self.whole(value)
        return taken

    def whole(self, value: object) -> object:
        self.left -= weigh(value, self.left)
        return value


@dataclass(frozen=True, slots=True)
class Code:
    """A piece of CEL without macros, and how big what it works on may be. `path`: it is nothing but a look-up.
    `fields`: what it reads of the variable of the macro around it."""

    program: Program
    tree: Tree
    ceiling: int
    path: Path | None = None
    fields: Tree | None = None

    def run(self, scope: Scope, results: Results) -> object:
        return self.program.execute(self.context(scope, results))

    def context(self, scope: Scope, results: Results) -> Results:
        binding = Binding(self.ceiling)
        return binding.take(self.tree, scope) | binding.take(dict.fromkeys(results), results)


def ceiling_of(scanned: Scan, begin: int, end: int) -> int:
    """Every reference may copy its value, and a chain of `+` copies what came before: the weight allowed is what leaves it about 50 ms."""
    words = [scanned.text(index) for index in range(begin, end)]
    pluses = words.count("+")
    patterns = sum(_pattern_weight(scanned, index) for index in range(begin, end) if words[index - begin] == "matches")
    if patterns > MAX_REGEX:
        raise ExpressionError("its patterns are too big: fewer or smaller counted repetitions, and fewer classes like `\\w`")
    return min(MAX_WEIGHT, _WORK // (len(words) + pluses * pluses), _REGEX_WORK // patterns if patterns else MAX_WEIGHT)


def _pattern_weight(scanned: Scan, index: int) -> int:
    """The pattern of a `matches` call must stand there as a string: one that comes from data could be anything."""
    if scanned.text(index + 1) != "(":
        return 0
    arguments = scanned.arguments(index + 1)
    if not arguments or arguments[-1][1] - arguments[-1][0] != 1 or scanned.tokens[arguments[-1][0]].kind != "text":
        raise ExpressionError("the pattern of `matches` must be written as a string")
    text = scanned.text(arguments[-1][0])
    pattern = constant(text)
    if isinstance(pattern, str) and (weight := regex_weight(pattern)) <= MAX_REGEX:
        constant(f"''.matches({text})")
        return weight
    raise ExpressionError("its pattern is too big: fewer or smaller counted repetitions, and fewer classes like `\\w`")


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
        value = look_up(path, {**scope, **results}) if path else self.target.run(scope, results)
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
            if thread_time() > deadline:
                raise TooMuch(f"`{self.kind}` takes longer than {SECONDS * 1000:.0f} ms")


def look_up(path: Path, scope: Scope) -> object:
    """The value at a path, as CEL would find it."""
    value: object = scope
    for depth, name in enumerate(path):
        if not isinstance(value, Mapping):
            raise ExpressionError(f"`{'.'.join(path[:depth])}` is not an object and has no field `{name}`")
        if name not in value:
            raise ExpressionError(f"there is no field `{name}`" if depth else f"`{name}` is not known here")
        value = value[name]
    return value


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
        deadline = thread_time() + SECONDS
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

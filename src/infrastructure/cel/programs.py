"""CEL made ready to run: each program gets only the paths it reads, and no more than it can work through in time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from domain.errors import ExpressionError
from domain.ports.expressions import Scope
from infrastructure.cel.library import Program, constant
from infrastructure.cel.regex_weight import MAX_WEIGHT as MAX_REGEX
from infrastructure.cel.regex_weight import regex_weight
from infrastructure.cel.syntax import Path, Scan
from infrastructure.json_bounds import MAX_WEIGHT, weigh

_WORK = 30_000_000
_REGEX_WORK = 20_000_000
Tree: TypeAlias = dict[str, "Tree | None"]
Results: TypeAlias = dict[str, object]


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
    `fields`: what it reads of the variable of the macro around it. `uses`: the results of macros it reads."""

    program: Program
    tree: Tree
    ceiling: int
    path: Path | None = None
    fields: Tree | None = None
    uses: tuple[str, ...] = ()

    def run(self, scope: Scope, results: Results) -> object:
        return self.program.execute(self.context(scope, results))

    def context(self, scope: Scope, results: Results) -> Results:
        binding = Binding(self.ceiling)
        context = binding.take(self.tree, scope)
        return context | binding.take(dict.fromkeys(self.uses), results) if self.uses else context


def ceiling_of(scanned: Scan, begin: int, end: int) -> int:
    """Every reference may copy its value, and a chain of `+` copies what came before: the weight allowed is what leaves it about 30 ms."""
    pluses = sum(scanned.text(index) == "+" for index in range(begin, end))
    patterns = sum(regex_weight(pattern) for _, pattern in patterns_in(scanned, begin, end))
    return min(MAX_WEIGHT, _WORK // (end - begin + pluses * pluses), _REGEX_WORK // max(1, patterns))


def check_patterns(scanned: Scan) -> None:
    """Each evaluation compiles its patterns anew: together they must be small, and each must be one."""
    found = list(patterns_in(scanned, 0, len(scanned.tokens)))
    if sum(regex_weight(pattern) for _, pattern in found) > MAX_REGEX:
        raise ExpressionError("its patterns are too big: fewer or smaller counted repetitions, and fewer classes like `\\w`")
    for written, _ in found:
        constant(f"''.matches({written})")


def patterns_in(scanned: Scan, begin: int, end: int) -> Iterator[tuple[str, str]]:
    """The pattern of every `matches` call, as written and as it is. It must stand there as a string: one from data could be anything."""
    for index in range(begin, end):
        if scanned.text(index) == "matches" and scanned.text(index + 1) == "(":
            first, after = next(reversed(scanned.arguments(index + 1)), (0, 0))
            pattern = constant(scanned.text(first)) if after - first == 1 and scanned.tokens[first].kind == "text" else None
            if not isinstance(pattern, str):
                raise ExpressionError("the pattern of `matches` must be written as a string")
            yield scanned.text(first), pattern


def look_up(path: Path, scope: Mapping[str, object]) -> object:
    """The value at a path, as CEL would find it."""
    value: object = scope
    for depth, name in enumerate(path):
        if not isinstance(value, Mapping):
            raise ExpressionError(f"`{'.'.join(path[:depth])}` is not an object and has no field `{name}`")
        if name not in value:
            raise ExpressionError(f"there is no field `{name}`" if depth else f"`{name}` is not known here")
        value = value[name]
    return value

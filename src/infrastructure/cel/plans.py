"""From the text of an expression to a plan: macros are found, checked for nesting and taken out."""

from dataclasses import dataclass, field
from functools import lru_cache

from domain.errors import ExpressionError
from infrastructure.cel.library import compile_program
from infrastructure.cel.macros import Macro, Plan, name_of
from infrastructure.cel.programs import Code, ceiling_of, check_patterns, tree_of
from infrastructure.cel.recalls import with_items
from infrastructure.cel.syntax import MACROS, RECALL, ROOTS, Path, Scan, paths_read, scan


@dataclass(slots=True)
class _Found:
    """A macro in the text: the tokens of its target, of its whole, and of its arguments."""

    kind: str
    begin: int
    dot: int
    end: int
    arguments: list[tuple[int, int]]

    def is_within(self, other: "_Found") -> bool:
        return self is not other and other.begin <= self.begin and self.end < other.end


@lru_cache(maxsize=4096)
def plan_of(source: str) -> Plan:
    """`ExpressionError`, without naming the expression, when it does not compile or is not allowed."""
    scanned = scan(source)
    compile_program(source)
    if any(token.text == RECALL for token in scanned.tokens):
        scanned = scan(with_items(scanned), ours=True)
    check_patterns(scanned)
    return _Planner(scanned, _macros(scanned)).plan()


def _macros(scanned: Scan) -> list[_Found]:
    found: list[_Found] = []
    for dot in range(len(scanned.tokens) - 2):
        kind = scanned.text(dot + 1)
        if scanned.text(dot) == "." and kind in MACROS and scanned.text(dot + 2) == "(":
            arguments = scanned.arguments(dot + 2)
            _check_arguments(scanned, kind, arguments)
            found.append(_Found(kind, scanned.operand_start(dot - 1), dot, scanned.partner[dot + 2], arguments))
    for outer in found:
        if any(outer.dot < inner.dot < outer.end for inner in found):
            raise ExpressionError(f"`{outer.kind}` holds another macro; macros are not nested")
    return found


def _check_arguments(scanned: Scan, kind: str, arguments: list[tuple[int, int]]) -> None:
    if len(arguments) not in ((2, 3) if kind == "map" else (2,)):
        raise ExpressionError(f"`{kind}` takes a name and {'one or two expressions' if kind == 'map' else 'an expression'}")
    begin, end = arguments[0]
    if end - begin != 1 or scanned.tokens[begin].kind != "name" or scanned.text(begin) in ROOTS:
        raise ExpressionError(f"the first argument of `{kind}` must be a new name")


@dataclass(slots=True)
class _Planner:
    scanned: Scan
    found: list[_Found]
    paths: set[Path] = field(default_factory=set)

    def plan(self) -> Plan:
        macros = tuple(self._macro(number, one) for number, one in enumerate(self.found))
        outer = self._code(0, len(self.scanned.tokens), frozenset())
        return Plan(frozenset(self.paths), outer, macros)

    def _macro(self, number: int, found: _Found) -> Macro:
        variable = self.scanned.text(found.arguments[0][0])
        bound = frozenset({variable})
        codes = [self._code(begin, end, bound) for begin, end in found.arguments[1:]]
        target = self._code(found.begin, found.dot, frozenset())
        if found.kind == "map":
            return Macro(name_of(number), found.kind, variable, target, codes[0] if len(codes) == 2 else None, codes[-1])
        return Macro(name_of(number), found.kind, variable, target, codes[0], None)

    def _code(self, begin: int, end: int, bound: frozenset[str]) -> Code:
        """The code of a token range, outermost macros in it replaced by their names."""
        inside = [(number, one) for number, one in enumerate(self.found) if begin <= one.begin and one.end < end]
        outermost = [(number, one) for number, one in inside if not any(one.is_within(other) for _, other in inside)]
        own = [index for index in range(begin, end) if not any(one.begin <= index <= one.end for _, one in outermost)]
        every = frozenset(paths_read(self.scanned, own, bound))
        paths = frozenset(path for path in every if path[0] not in bound)
        self.paths.update(paths)
        source = self._source(begin, end, outermost)
        uses = tuple(name_of(number) for number, _ in outermost)
        pure = next((path for path in [*paths, *((name,) for name in uses)] if source == ".".join(path)), None)
        fields = next((below for name, below in tree_of(every).items() if name in bound), None)
        return Code(compile_program(source), tree_of(paths), ceiling_of(self.scanned, begin, end), pure, fields, uses)

    def _source(self, begin: int, end: int, replaced: list[tuple[int, _Found]]) -> str:
        tokens, text = self.scanned.tokens, ""
        at = tokens[begin].start
        for number, one in sorted(replaced, key=lambda pair: pair[1].begin):
            text += self.scanned.source[at : tokens[one.begin].start] + name_of(number)
            at = tokens[one.end].end
        return text + self.scanned.source[at : tokens[end - 1].end]

"""A schema with the definitions that it needs, as far as there is room for them."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from application.openapi.compiling import Compiler
from application.openapi.keywords import LISTS_OF_SCHEMAS, NAMED_SCHEMAS, ONE_SCHEMA
from application.openapi.references import Unusable
from application.openapi.schemas import Converted, Definitions, without
from domain.json import Json, JsonObject

MOST_BYTES: Final = 24 * 1024
"""Of a tool's own schema as JSON, and of its definitions: together about 12,000 tokens, which a model reads at every turn."""
MOST_CHECKS: Final = 50_000
"""Of subschemas that one value meets when references are followed; our compiler refuses 100,000."""
_REMEMBERED: Final = 64
"""Operations that need the same definitions stand near each other."""
_LEVELS: Final = (8, 6, 5, 4, 3, 2)
_OUTERMOST: Final = frozenset({"type", "title", "description", "format", "enum", "default"})


@dataclass(frozen=True, slots=True)
class Bounded:
    """`is_whole`: nothing was left out for want of room."""

    schema: JsonObject
    is_whole: bool


@dataclass(frozen=True, slots=True)
class _Kept:
    definitions: JsonObject
    is_whole: bool


@dataclass(slots=True)
class Bounds:
    """What does not fit becomes anything: the definitions that are furthest away first, then what is nested deepest.

    Every part is compiled by itself once; together they are only weighed, which takes a hundredth of the time.
    """

    definitions: Definitions
    compiler: Compiler
    _remembered: OrderedDict[tuple[str, ...], _Kept] = field(default_factory=OrderedDict)

    def bounded(self, made: Converted, at: str) -> Bounded:
        """`Unusable` when nothing that is left out helps."""
        fitting = made if made.size <= MOST_BYTES else _fitting(made)
        kept = self._kept(fitting)
        whole = without(fitting.schema, frozenset(kept.definitions))
        shown: JsonObject = whole if isinstance(whole, Mapping) else {}
        self._must_compile(without(shown, frozenset()), at)
        return Bounded({**shown, "$defs": kept.definitions} if kept.definitions else shown, kept.is_whole and fitting is made)

    def _must_compile(self, schema: Json, at: str) -> None:
        if reason := self.compiler.refusal(schema):
            raise Unusable(at, "schema_refused", reason)

    def _kept(self, made: Converted) -> _Kept:
        key = tuple(sorted(name for name in made.names for _ in range(min(made.names[name], 100))))
        found = self._remembered.get(key)
        if found is None:
            found = self._remembered[key] = self._chosen(made)
            if len(self._remembered) > _REMEMBERED:
                self._remembered.popitem(last=False)
        return found

    def _chosen(self, made: Converted) -> _Kept:
        near, is_all = self._nearest(made)
        count = len(near)
        while count and self._checks(made, frozenset(near[:count]), {}) > MOST_CHECKS:
            count //= 2
        there = frozenset(near[:count])
        return _Kept({name: self._cut(name, there) for name in near[:count]}, is_all and count == len(near))

    def _cut(self, name: str, kept: frozenset[str]) -> Json:
        found = self.definitions.definition(name)
        return found.schema if found.names.keys() <= kept else without(found.schema, kept)

    def _nearest(self, made: Converted) -> tuple[Sequence[str], bool]:
        """Definitions, nearest first, that have room together; and whether these are all."""
        order, left = sorted(made.names), MOST_BYTES
        known = set(order)
        for place, name in enumerate(order):
            found = self.definitions.definition(name)
            left -= found.size + len(name) + 6
            if left < 0:
                return order[:place], False
            more = sorted(found.names.keys() - known)
            known.update(more)
            order += more
        return order, True

    def _checks(self, part: Converted, kept: frozenset[str], known: dict[str, int]) -> int:
        """As if references were written out; one that leads back to itself counts once."""
        total = part.parts
        for name in part.names.keys() & kept:
            if name not in known:
                known[name] = 1
                known[name] = self._checks(self.definitions.definition(name), kept, known)
            total += part.names[name] * known[name]
        return total


def _fitting(made: Converted) -> Converted:
    """As many levels as there is room for; one at least."""
    cuts = (Converted.of(_pruned(made.schema, levels), made.names) for levels in _LEVELS)
    return next((cut for cut in cuts if cut.size <= MOST_BYTES), Converted.of(_pruned(made.schema, 1), made.names))


def _pruned(schema: Json, levels: int) -> Json:
    if not isinstance(schema, Mapping):
        return schema
    if levels == 0:
        return {word: value for word, value in schema.items() if word in _OUTERMOST}
    return {word: _pruned_word(word, value, levels - 1) for word, value in schema.items()}


def _pruned_word(word: str, value: Json, levels: int) -> Json:
    if word in NAMED_SCHEMAS and isinstance(value, Mapping):
        return {name: _pruned(one, levels) for name, one in value.items()}
    if word in LISTS_OF_SCHEMAS and isinstance(value, list):
        return [_pruned(one, levels) for one in value]
    return _pruned(value, levels) if word in ONE_SCHEMA else value

"""Rules of a policy document, and which of them speaks first about a question, however many there are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeAlias

from domain.decision import Effect
from domain.granted import ANY


class Aspect(StrEnum):
    """What a rule may narrow itself to. `resources`: names of tools. `workflows`: what the run runs, `name@version`. `roles`: of whoever
    calls outside any run. `effects` and `types`: those of the tool."""

    ACTIONS = "actions"
    RESOURCES = "resources"
    ROLES = "roles"
    WORKFLOWS = "workflows"
    SESSIONS = "sessions"
    USERS = "users"
    AGENTS = "agents"
    TENANTS = "tenants"
    EFFECTS = "effects"
    TYPES = "types"


Question: TypeAlias = Sequence[str]
"""A value for each aspect, in their order; "" where there is none, as of a session outside sessions."""
_STRICTEST_FIRST: Final = (Effect.DENY, Effect.ASK, Effect.ALLOW)


@dataclass(frozen=True, slots=True)
class Rule:
    """`of`: by aspect the names it speaks of, one that ends in `*` for all that begin so; an aspect that is not there may be anything.
    `*` wants a value, whatever it is."""

    id: str
    effect: Effect
    of: Mapping[Aspect, tuple[str, ...]] = field(default_factory=dict)


class _Column:
    """One aspect of all rules: a number whose bits are the rules that speak of a value."""

    def __init__(self, rules: Sequence[Rule], aspect: Aspect) -> None:
        self._whatever = 0
        self._exact: dict[str, int] = {}
        self._begins: dict[str, int] = {}
        for number, rule in enumerate(rules):
            if aspect not in rule.of:
                self._whatever |= 1 << number
            for entry in rule.of.get(aspect, ()):
                self._add(_of_any_version(entry) if aspect is Aspect.WORKFLOWS else entry, 1 << number)
        self._lengths = sorted({len(begin) for begin in self._begins})

    def _add(self, entry: str, bit: int) -> None:
        where, name = (self._begins, entry[:-1]) if entry.endswith(ANY) else (self._exact, entry)
        where[name] = where.get(name, 0) | bit

    def of(self, value: str) -> int:
        found = self._whatever
        if not value:
            return found
        found |= self._exact.get(value, 0)
        for length in self._lengths:
            if length > len(value):
                break
            found |= self._begins.get(value[:length], 0)
        return found


def _of_any_version(entry: str) -> str:
    return entry if "@" in entry or entry.endswith(ANY) else f"{entry}@{ANY}"


class Rules:
    """The cost of a question hardly depends on their number: each aspect is looked up once, and the answers are met bit by bit."""

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        self.all = tuple(rules)
        self._every = (1 << len(rules)) - 1
        narrowed = {aspect for rule in rules for aspect in rule.of}
        self._columns = [(at, _Column(rules, aspect)) for at, aspect in enumerate(Aspect) if aspect in narrowed]
        self._by_effect = [sum(1 << at for at, rule in enumerate(rules) if rule.effect is effect) for effect in _STRICTEST_FIRST]

    def speaking(self, question: Question) -> Rule | None:
        """Of those that speak of it the strictest; of several as strict, the first."""
        left = self._every
        for at, column in self._columns:
            left &= column.of(question[at])
            if not left:
                return None
        for mask in self._by_effect:
            if found := left & mask:
                return self.all[(found & -found).bit_length() - 1]
        return None

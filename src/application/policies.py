"""The owner's policy as it is written: which rules there are, and whether they say what their author believes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from application.documents.bounds import unfit
from application.documents.reading import Part, kind_of, pointer_to
from domain.access import CALL, Role
from domain.decision import Effect
from domain.errors import Problem, ValidationError
from domain.granted import covers
from domain.json import Json
from domain.policy import Policy
from domain.rules import Aspect, Question, Rule, Rules
from domain.tool import Effects, ToolType

MOST_RULES: Final = 10_000
_TOP: Final = frozenset({"policy", "missing", "rules"})
_ASPECTS: Final = frozenset(aspect.value for aspect in Aspect)
_RULE: Final = _ASPECTS | {"id", "effect", "description", "match", "not_match"}
_WORDS: Final[Mapping[Aspect, Sequence[str]]] = {
    Aspect.ACTIONS: (CALL,),
    Aspect.ROLES: tuple(Role),
    Aspect.EFFECTS: tuple(Effects),
    Aspect.TYPES: tuple(ToolType),
}
"""Aspects whose values are known: another word is a mistake."""
_ASKED: Final = {
    "action": Aspect.ACTIONS,
    "resource": Aspect.RESOURCES,
    "role": Aspect.ROLES,
    "workflow": Aspect.WORKFLOWS,
    "session": Aspect.SESSIONS,
    "user": Aspect.USERS,
    "agent": Aspect.AGENTS,
    "tenant": Aspect.TENANTS,
    "effects": Aspect.EFFECTS,
    "type": Aspect.TYPES,
}
"""How an example names each aspect."""


class Expected(StrEnum):
    MATCH = "match"
    NOT_MATCH = "not_match"


@dataclass(frozen=True, slots=True)
class _Example:
    pointer: str
    expected: Expected
    question: Question


def read_policy(document: Json, source: str) -> Policy:
    """`ValidationError` with everything that is wrong, each with a pointer; `source` is what decisions name."""
    problems = list(unfit(document))
    policy = Policy(source=source)
    if not problems:
        top = Part(document, "", problems)
        top.only(_TOP)
        top.need("policy", "rules")
        if top.has("policy") and top.fields["policy"] != 1:
            top.note(
                "policy", "unknown_format", f"`policy` is the version of the format and must be 1, not {kind_of(top.fields['policy'])}"
            )
        rules = _rules(top)
        policy = Policy(Rules(rules), top.choice("missing", Effect, Effect.ALLOW), source)
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise ValidationError(f"{source}: {problems[0].pointer or 'at the top'}: {problems[0].message}{more}", problems)
    return policy


def _rules(top: Part) -> list[Rule]:
    parts = top.parts("rules")
    if len(parts) > MOST_RULES:
        top.note("rules", "too_many_rules", f"a policy may have {MOST_RULES:,} rules, and this has {len(parts):,}")
        return []
    rules = [_rule(number, part) for number, part in enumerate(parts)]
    first: dict[str, int] = {}
    for number, (rule, part) in enumerate(zip(rules, parts, strict=True)):
        if first.setdefault(rule.id, number) != number:
            part.note("id", "duplicate_id", f"rule {first[rule.id]} already has the id `{rule.id}`")
    return rules


def _rule(number: int, part: Part) -> Rule:
    part.only(_RULE)
    part.need("effect")
    part.text("description")
    of = {aspect: _entries(part, aspect) for aspect in Aspect if part.has(aspect)}
    rule = Rule(part.text("id", f"rules/{number}"), part.choice("effect", Effect, Effect.DENY), of)
    _check_examples(part, rule)
    return rule


def _entries(part: Part, aspect: Aspect) -> tuple[str, ...]:
    found = part.texts(aspect)
    if part.fields[aspect] == []:
        part.note(aspect, "empty_list", f"an empty list of {aspect} speaks of nothing: leave `{aspect}` out for any, or the rule")
    at = pointer_to(part.pointer, aspect)
    for number, entry in enumerate(found):
        if not entry or "*" in entry[:-1]:
            part.problems.append(
                Problem(f"{at}/{number}", "bad_entry", "an entry is a name, or the beginning of names with `*` at its end")
            )
        elif (known := _WORDS.get(aspect)) is not None and not any(covers(entry, word) for word in known):
            part.problems.append(Problem(f"{at}/{number}", "unknown_word", f"`{entry}` is none of {', '.join(known)}"))
    return found


def _check_examples(part: Part, rule: Rule) -> None:
    alone = Rules([rule])
    for example in [one for expected in Expected for one in _examples(part, expected)]:
        speaks = alone.speaking(example.question) is not None
        if speaks is (example.expected is Expected.MATCH):
            continue
        says = (
            "speaks of this, and `not_match` says that it does not" if speaks else "does not speak of this, and `match` says that it does"
        )
        part.problems.append(Problem(example.pointer, "example_fails", f"the rule {says}"))


def _examples(part: Part, expected: Expected) -> list[_Example]:
    written = part.fields.get(expected, [])
    if not isinstance(written, list):
        part.note(expected, "wrong_type", f"`{expected}` must be a list of examples, not {kind_of(written)}")
        return []
    at = pointer_to(part.pointer, expected)
    return [_example(f"{at}/{number}", expected, one, part.problems) for number, one in enumerate(written)]


def _example(at: str, expected: Expected, written: Json, problems: list[Problem]) -> _Example:
    """A text is the name of a tool."""
    told = Part({"resource": written} if isinstance(written, str) else written, at, problems)
    told.only(frozenset(_ASKED))
    values = {Aspect.ACTIONS: CALL, **{_ASKED[name]: told.text(name) for name in _ASKED if told.has(name)}}
    return _Example(at, expected, [values.get(aspect, "") for aspect in Aspect])

"""The key `flow` of a graph, as it is written."""

from typing import Final

from application.documents.reading import Part
from application.documents.words import FLOW, FLOW_RULES
from domain.graph.flow import ConcurrencyRule, DebounceRule, FlowRules, Priority, RateRule, SingletonRule
from domain.json import Json

MOST_AT_A_TIME: Final = 1_000_000
LONGEST_SECONDS: Final = 10 * 365 * 86_400
"""Ten years."""
LONGEST_KEY: Final = 200


def read_flow(part: Part) -> FlowRules:
    part.only(FLOW)
    concurrency, rate, singleton, debounce = (_rule(part, name) for name in ("concurrency", "rate", "singleton", "debounce"))
    return FlowRules(
        concurrency=None if concurrency is None else ConcurrencyRule(_key(concurrency), _limit(concurrency)),
        rate=None if rate is None else RateRule(_key(rate), _limit(rate), _seconds(rate)),
        singleton=None if singleton is None else SingletonRule(_key(singleton)),
        debounce=None if debounce is None else DebounceRule(_key(debounce), _seconds(debounce)),
        priority=part.choice("priority", Priority, Priority.NORMAL) if part.has("priority") else None,
    )


def dump_flow(rules: FlowRules | None) -> dict[str, Json]:
    """`read_flow` of what this gives is the rules again."""
    if rules is None:
        return {}
    written: dict[str, Json] = {}
    if rules.concurrency is not None:
        written["concurrency"] = {**_keyed(rules.concurrency.key), "limit": rules.concurrency.limit}
    if rules.rate is not None:
        written["rate"] = {**_keyed(rules.rate.key), "limit": rules.rate.limit, "seconds": rules.rate.seconds}
    if rules.singleton is not None:
        written["singleton"] = _keyed(rules.singleton.key)
    if rules.debounce is not None:
        written["debounce"] = {**_keyed(rules.debounce.key), "seconds": rules.debounce.seconds}
    return written if rules.priority is None else {**written, "priority": rules.priority.value}


def _rule(part: Part, name: str) -> Part | None:
    if not part.has(name):
        return None
    rule = part.part(name)
    rule.only(FLOW_RULES[name])
    return rule


def _key(rule: Part) -> Json:
    written = rule.fields.get("key")
    if written is not None and not isinstance(written, str | int | float):
        rule.note("key", "wrong_type", "`key` must be a text such as ${input.customer}, a number, true or false")
        return None
    return written


def _limit(rule: Part) -> int:
    rule.need("limit")
    return rule.whole("limit", 1, MOST_AT_A_TIME)


def _seconds(rule: Part) -> float:
    rule.need("seconds")
    seconds = rule.seconds("seconds", 1.0, above=0.0)
    if seconds > LONGEST_SECONDS:
        rule.note("seconds", "too_long", f"`seconds` may be {LONGEST_SECONDS:,} at most, which is ten years")
    return seconds


def _keyed(key: Json) -> dict[str, Json]:
    return {} if key is None else {"key": key}

"""On which terms an order's run is let in: what its workflow's `flow` comes to for this input, and what the order itself says."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from application.documents.flow import LONGEST_KEY
from application.run_orders import RunOrder
from domain.errors import ExpressionError, Problem, ValidationError
from domain.graph.flow import FlowRules, Priority
from domain.json import Json, JsonObject
from domain.ports.expressions import Expressions
from domain.run.terms import Gate, Terms

AT: Final = "/workflow/flow"


@dataclass(frozen=True, slots=True)
class FlowPolicy:
    """`ageing_seconds`: how much waiting a class of priority is worth. `concurrency_limit`: how many runs of an order's own key are
    executed at a time where the workflow does not say."""

    ageing_seconds: float = 60.0
    concurrency_limit: int = 1


@dataclass(frozen=True, slots=True)
class MakeTerms:
    """Keys are kept by tenant; those of a workflow's rules by its name as well, whatever its version."""

    expressions: Expressions
    policy: FlowPolicy = field(default_factory=FlowPolicy)

    def __call__(self, workflow: str, rules: FlowRules | None, order: RunOrder, given: JsonObject) -> Terms:
        """`ValidationError` with the pointer of each key that does not come to a text, a number or a boolean for this input."""
        rules = rules or FlowRules()
        head_start = self.priority(rules, order).rank * self.policy.ageing_seconds
        keys = self._keys(workflow, rules, given)
        debounced = rules.debounce.seconds if rules.debounce is not None else 0.0
        return Terms(
            delay_seconds=max(order.delay_seconds, debounced),
            head_start=head_start,
            slot=self._slot(rules, order.concurrency_key, keys.get("concurrency")),
            rate=None if rules.rate is None else Gate(f"rate/{keys['rate']}", rules.rate.limit, rules.rate.seconds),
            singleton=keys.get("singleton"),
            debounce=keys.get("debounce"),
        )

    def priority(self, rules: FlowRules | None, order: RunOrder) -> Priority:
        """What the order says, else the workflow, else normal."""
        return order.priority or (rules and rules.priority) or Priority.NORMAL

    def _slot(self, rules: FlowRules, own: str | None, of_the_rule: str | None) -> Gate | None:
        """The order's own key stands before that of the rule, whose limit it has."""
        if own is None and (rules.concurrency is None or of_the_rule is None):
            return None
        limit = self.policy.concurrency_limit if rules.concurrency is None else rules.concurrency.limit
        return Gate(f"slot/{of_the_rule}" if own is None else f"key/{own}", limit)

    def _keys(self, workflow: str, rules: FlowRules, given: JsonObject) -> dict[str, str]:
        """By the rule's name."""
        problems: list[Problem] = []
        keys = {name: self._key(workflow, f"{AT}/{name}/key", written, given, problems) for name, written in keys_of(rules)}
        if problems:
            raise ValidationError("a key of the workflow's `flow` does not fit this input: see `problems`", problems)
        return keys

    def _key(self, workflow: str, at: str, written: Json, given: JsonObject, problems: list[Problem]) -> str:
        if written is None:
            return workflow
        try:
            key = self.expressions.value(written)({"input": given})
        except ExpressionError as error:
            problems.append(Problem(at, error.code, error.message))
            return workflow
        if not isinstance(key, str | int | float):
            problems.append(Problem(at, "bad_key", "the key must come to a text, a number, true or false for this input"))
        elif len(str(key)) > LONGEST_KEY or "\x00" in str(key):
            problems.append(Problem(at, "bad_key", f"the key must come to {LONGEST_KEY} characters at most, none of them NUL"))
        return f"{workflow}/{key}"


def keys_of(rules: FlowRules | None) -> Iterator[tuple[str, Json]]:
    """The name of each rule there is, and its key as written; None: it has none."""
    if rules is not None:
        named = (("concurrency", rules.concurrency), ("rate", rules.rate), ("singleton", rules.singleton), ("debounce", rules.debounce))
        yield from ((name, rule.key) for name, rule in named if rule is not None)


def due_at(now: datetime, terms: Terms) -> datetime | None:
    """Not before; None: at once."""
    return now + timedelta(seconds=terms.delay_seconds) if terms.delay_seconds else None

"""May it be done? Decided here and nowhere else: every link of the chain behind a call must grant it, and what one denies is denied.

The links: the rules of the owner's policy, the role of a key, and the lists of grants that a session, a workflow version and an agent have.
Grants that are absent say nothing; a list of grants that is empty grants nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from domain.access import CALL, Role, granted_to
from domain.acting import Acting
from domain.decision import Decision, Effect
from domain.granted import Grants, grants, named
from domain.ids import TenantId
from domain.rules import Rule, Rules
from domain.tool import Effects, ToolType

__all__ = ["CALL", "Decision", "Effect", "Facts", "Policy", "Said", "Subject"]

_STRICTNESS: Final[Mapping[Effect | None, int]] = {None: -1, Effect.ALLOW: 0, Effect.ASK: 1, Effect.DENY: 2}


@dataclass(frozen=True, slots=True)
class Subject:
    """Who wants it, with every link that may narrow it. `workflow`: `name@version` of what the run runs; `permissions`: what that version,
    and each that called it, lets its runs call. `agent_permissions`: what the agent may."""

    tenant: TenantId
    role: Role | None = None
    acting: Acting | None = None
    workflow: str = ""
    permissions: Grants | None = None
    agent: str = ""
    agent_permissions: Grants | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the tool."""

    effects: Effects | None = None
    tool_type: ToolType | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """By one link of the chain. `effect` None: nothing. `is_missing`: it has a list of grants, and not this one in it."""

    link: str
    effect: Effect | None
    rule: str
    is_missing: bool = False


NO_FACTS: Final = Facts()
NO_RULES: Final = Rules()


@dataclass(frozen=True, slots=True)
class Policy:
    """`missing`: what is so when no rule speaks of it. `source`: where the rules stand."""

    rules: Rules = NO_RULES
    missing: Effect = Effect.ALLOW
    source: str = "default"

    def decide(self, subject: Subject, action: str, resource: str, facts: Facts = NO_FACTS) -> Decision:
        """The strictest of what the links say; of several as strict, the first. The same question has the same answer."""
        said = tuple(self.links(subject, action, resource, facts))
        found = said[0]
        for one in said:
            if _STRICTNESS[one.effect] > _STRICTNESS[found.effect]:
                found = one
        assert found.effect is not None, "the policy always says something"
        return Decision(found.effect, found.rule, found.link, tuple(one.link for one in said if one.is_missing))

    def links(self, subject: Subject, action: str, resource: str, facts: Facts = NO_FACTS) -> Iterator[Said]:
        """The whole chain, the policy first."""
        yield self._by_rules(self.rules.speaking(_question(subject, action, resource, facts)))
        if subject.role is not None:
            granted = granted_to(subject.role, action)
            yield Said(granted.source, granted.effect, granted.rule, bool(granted.missing))
        if subject.acting is not None:
            advice = ": change its permissions and start another run"
            link = f"session {subject.acting.session}"
            yield _listed(link, "the session lets this run call", subject.acting.permissions, resource, advice)
        if subject.workflow or subject.permissions is not None:
            yield _listed(f"workflow {subject.workflow}", "the workflow lets its runs call", subject.permissions, resource)
        if subject.agent:
            yield _listed(f"agent {subject.agent}", "the agent may call", subject.agent_permissions, resource)

    def _by_rules(self, rule: Rule | None) -> Said:
        if rule is None:
            return Said(self.source, self.missing, "no rule speaks of it")
        return Said(self.source, rule.effect, rule.id)


def _question(subject: Subject, action: str, resource: str, facts: Facts) -> tuple[str, ...]:
    """In the order of `Aspect`."""
    acting = subject.acting
    return (
        action,
        resource,
        subject.role or "",
        subject.workflow,
        "" if acting is None else acting.session,
        "" if acting is None else acting.user_id,
        subject.agent,
        subject.tenant,
        facts.effects or "",
        facts.tool_type or "",
    )


def _listed(link: str, lets: str, entries: Grants | None, resource: str, advice: str = "") -> Said:
    if entries is None:
        return Said(link, None, "it has no list of what may be called")
    if grants(entries, resource):
        return Said(link, Effect.ALLOW, f"{lets} {resource}")
    return Said(link, Effect.DENY, f"{lets} {named(entries)}, not {resource}{advice}", is_missing=True)

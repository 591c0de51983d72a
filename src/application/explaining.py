"""What the policy says of a call that nobody makes: the decision, and every link of the chain behind it."""

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from application.placing import find_session
from application.versions import name_and_version
from application.views import View
from domain.access import CALL, Principal, Role
from domain.acting import Acting
from domain.decision import Effect
from domain.errors import ToolNotFound
from domain.graph.permitted import permissions_of_agent
from domain.policy import NO_FACTS, Facts, Policy, Subject
from domain.ports.repositories import Workflows
from domain.ports.sessions import Sessions
from domain.ports.tools import ToolCatalog
from domain.rules import Rule


class PolicyQuestion(BaseModel):
    """May `tool` be called? `role`: by hand, with a key of that role. `session` and `workflow` (`name`, `name@version`): by a run;
    `agent`: by one of the workflow."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    tool: str
    role: Role | None = None
    session: str | None = None
    workflow: str | None = None
    agent: str = ""


class LinkView(View):
    """`effect` null: this link says nothing."""

    link: str
    effect: Effect | None
    rule: str


class ExplanationView(View):
    """`missing`: the links whose lists lack the tool. `tool_known` false: rules about `effects` and `types` could not be asked."""

    tool: str
    effect: Effect
    rule: str
    source: str
    missing: list[str]
    links: list[LinkView]
    tool_known: bool


class RuleView(View):
    id: str
    effect: Effect
    of: dict[str, list[str]]

    @classmethod
    def of_rule(cls, rule: Rule) -> "RuleView":
        return cls(id=rule.id, effect=rule.effect, of={aspect.value: list(entries) for aspect, entries in rule.of.items()})


class PolicyView(View):
    """`missing`: what is so when no rule speaks of it."""

    source: str
    missing: Effect
    rules: list[RuleView]


@dataclass(frozen=True, slots=True)
class PolicyDesk:
    policy: Policy
    catalog: ToolCatalog
    sessions: Sessions
    workflows: Workflows

    def show(self, who: Principal) -> PolicyView:
        who.must_be(Role.ADMIN)
        rules = [RuleView.of_rule(rule) for rule in self.policy.rules.all]
        return PolicyView(source=self.policy.source, missing=self.policy.missing, rules=rules)

    async def check(self, who: Principal, asked: PolicyQuestion) -> ExplanationView:
        """Nothing is called, and nothing put on record. `SessionNotFound` and `WorkflowNotFound` for what is not there."""
        who.must_be(Role.ADMIN)
        subject, facts = await self._subject(who, asked), await self._facts(who, asked.tool)
        decision = self.policy.decide(subject, CALL, asked.tool, facts or NO_FACTS)
        links = self.policy.links(subject, CALL, asked.tool, facts or NO_FACTS)
        return ExplanationView(
            tool=asked.tool,
            effect=decision.effect,
            rule=decision.rule,
            source=decision.source,
            missing=list(decision.missing),
            links=[LinkView(link=one.link, effect=one.effect, rule=one.rule) for one in links],
            tool_known=facts is not None,
        )

    async def _subject(self, who: Principal, asked: PolicyQuestion) -> Subject:
        acting: Acting | None = None
        if asked.session is not None:
            acting = (await find_session(self.sessions, who, asked.session)).acting
        if asked.workflow is None:
            return Subject(who.tenant, asked.role, acting, agent=asked.agent)
        graph = (await self.workflows.get(who.tenant, *name_and_version(asked.workflow))).graph
        may = permissions_of_agent(graph, asked.agent)
        return Subject(who.tenant, asked.role, acting, graph.id, graph.permissions, asked.agent, may)

    async def _facts(self, who: Principal, tool: str) -> Facts | None:
        try:
            found = (await self.catalog.of(who.tenant)).get(tool)
        except ToolNotFound:
            return None
        return Facts(found.effects, found.tool_type)

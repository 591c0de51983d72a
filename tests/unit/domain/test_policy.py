"""May it be done? Every link of the chain must grant it, and the strictest has the last word."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.access import CALL, Role
from domain.acting import Acting
from domain.decision import Effect
from domain.errors import Forbidden
from domain.granted import both, grants
from domain.ids import SessionId, TenantId
from domain.policy import Facts, Policy, Subject
from domain.rules import Aspect, Rule, Rules
from domain.tool import Effects, ToolType

ALLOW, ASK, DENY = Effect
RUN = Subject(TenantId("t"), workflow="billing@1.2.0")
STRICTNESS = {ALLOW: 0, ASK: 1, DENY: 2}


def session(*permissions: str, limited: bool = True) -> Acting:
    return Acting(SessionId("s"), "ada", permissions if limited else None)


@pytest.mark.parametrize(
    ("who", "tool", "effect", "missing"),
    [
        pytest.param(RUN, "charge", ALLOW, (), id="where no link says anything it is allowed"),
        pytest.param(replace(RUN, acting=session("charge")), "charge", ALLOW, (), id="a list that names it grants it"),
        pytest.param(replace(RUN, acting=session("ch*")), "charge", ALLOW, (), id="so does a prefix of it"),
        pytest.param(replace(RUN, acting=session("refund")), "charge", DENY, ("session s",), id="a list without it does not"),
        pytest.param(replace(RUN, acting=session()), "charge", DENY, ("session s",), id="an empty list grants nothing"),
        pytest.param(replace(RUN, acting=session(limited=False)), "charge", ALLOW, (), id="a session without a list says nothing"),
        pytest.param(replace(RUN, permissions=()), "charge", DENY, ("workflow billing@1.2.0",), id="nor does an empty list of a workflow"),
        pytest.param(replace(RUN, permissions=("charge",)), "charge", ALLOW, (), id="a workflow may grant it"),
        pytest.param(
            replace(RUN, acting=session("charge"), permissions=("refund",)),
            "charge",
            DENY,
            ("workflow billing@1.2.0",),
            id="what one grants and another does not is not granted",
        ),
        pytest.param(
            replace(RUN, acting=session(), permissions=(), agent="a", agent_permissions=()),
            "charge",
            DENY,
            ("session s", "workflow billing@1.2.0", "agent a"),
            id="every link that lacks it is named",
        ),
        pytest.param(replace(RUN, agent="a"), "charge", ALLOW, (), id="an agent without a list says nothing"),
        pytest.param(Subject(TenantId("t"), Role.OPERATOR), "charge", ALLOW, (), id="an operator may call"),
        pytest.param(Subject(TenantId("t"), Role.VIEWER), "charge", DENY, ("role viewer",), id="a viewer may not"),
    ],
)
def test_every_link_that_says_something_must_grant_it(who: Subject, tool: str, effect: Effect, missing: tuple[str, ...]) -> None:
    decision = Policy().decide(who, CALL, tool)

    assert (decision.effect, decision.missing) == (effect, missing)


def rule(name: str, effect: Effect = DENY, **of: Sequence[str]) -> Rule:
    return Rule(name, effect, {Aspect(aspect): tuple(entries) for aspect, entries in of.items()})


ONCE = Facts(Effects.ONCE, ToolType.REST)


@pytest.mark.parametrize(
    ("one", "who", "speaks"),
    [
        pytest.param(rule("r"), RUN, True, id="a rule that is not narrowed speaks of everything"),
        pytest.param(rule("r", resources=["charge"]), RUN, True, id="of that tool"),
        pytest.param(rule("r", resources=["ch*"]), RUN, True, id="of tools that begin so"),
        pytest.param(rule("r", resources=["char"]), RUN, False, id="a name is no prefix"),
        pytest.param(rule("r", resources=["charge_all*"]), RUN, False, id="a prefix longer than the name"),
        pytest.param(rule("r", resources=[]), RUN, False, id="an empty list speaks of nothing"),
        pytest.param(rule("r", actions=["read"]), RUN, False, id="of another action"),
        pytest.param(rule("r", workflows=["billing"]), RUN, True, id="of every version of a workflow"),
        pytest.param(rule("r", workflows=["billing@1.2.0"]), RUN, True, id="of that version"),
        pytest.param(rule("r", workflows=["billing@1.1.0"]), RUN, False, id="of another version"),
        pytest.param(rule("r", workflows=["bill"]), RUN, False, id="of a workflow whose name is shorter"),
        pytest.param(rule("r", workflows=["*"]), Subject(TenantId("t")), False, id="of any workflow, asked outside of one"),
        pytest.param(rule("r", roles=["operator"]), RUN, False, id="of a role, asked by a run"),
        pytest.param(rule("r", roles=["operator"]), Subject(TenantId("t"), Role.OPERATOR), True, id="of a role"),
        pytest.param(rule("r", sessions=["s"], users=["a*"]), replace(RUN, acting=session("*")), True, id="of a session and its user"),
        pytest.param(rule("r", users=["bob"]), replace(RUN, acting=session("*")), False, id="of another user"),
        pytest.param(rule("r", agents=["clerk"]), replace(RUN, agent="clerk"), True, id="of an agent"),
        pytest.param(rule("r", tenants=["t"]), RUN, True, id="of a tenant"),
        pytest.param(rule("r", tenants=["u"]), RUN, False, id="of another tenant"),
        pytest.param(rule("r", effects=["once"], types=["rest"]), RUN, True, id="of what a tool is"),
        pytest.param(rule("r", effects=["none"]), RUN, False, id="of what a tool is not"),
        pytest.param(rule("r", resources=["charge"], tenants=["u"]), RUN, False, id="all that it names must be so"),
    ],
)
def test_a_rule_speaks_of_what_it_names(one: Rule, who: Subject, speaks: bool) -> None:
    decision = Policy(Rules([one]), source="here").decide(who, CALL, "charge", ONCE)

    assert (decision.effect, decision.source) == ((DENY if speaks else ALLOW), "here")
    assert decision.rule == ("r" if speaks else "no rule speaks of it")


@pytest.mark.parametrize("missing", list(Effect))
def test_what_no_rule_speaks_of_is_as_the_policy_says(missing: Effect) -> None:
    policy = Policy(Rules([rule("r", resources=["other"])]), missing)

    assert policy.decide(RUN, CALL, "charge").effect is missing


def test_of_rules_as_strict_the_first_is_named() -> None:
    rules = [rule("a", ALLOW), rule("b", ASK), rule("c", DENY), rule("d", DENY)]

    assert Policy(Rules(rules)).decide(RUN, CALL, "charge").rule == "c"
    assert Policy(Rules(rules[:2])).decide(RUN, CALL, "charge").rule == "b"


def test_a_denial_is_an_error_that_says_which_rule_of_whom() -> None:
    decision = Policy(Rules([rule("no-charges")]), source="policy.yaml").decide(RUN, CALL, "charge")

    with pytest.raises(Forbidden, match=r"call of charge is not allowed: no-charges \(policy\.yaml\)"):
        decision.must_not_deny("call", "charge")


NAMES = st.text("ab_", min_size=1, max_size=3)
ENTRIES = st.one_of(NAMES, NAMES.map("{}*".format), st.just("*"))
LISTS = st.none() | st.lists(ENTRIES, max_size=3).map(tuple)
RULES = st.builds(
    Rule,
    NAMES,
    st.sampled_from(Effect),
    st.dictionaries(
        st.sampled_from([Aspect.RESOURCES, Aspect.TENANTS, Aspect.USERS, Aspect.WORKFLOWS]), st.lists(ENTRIES, max_size=2), max_size=3
    ),
)
POLICIES = st.builds(lambda rules, missing: Policy(Rules(rules), missing), st.lists(RULES, max_size=6), st.sampled_from(Effect))
SUBJECTS = st.builds(
    lambda user, workflow, permissions, granted: Subject(
        TenantId("a"), acting=Acting(SessionId("s"), user, granted), workflow=f"{workflow}@1.0.0", permissions=permissions
    ),
    NAMES,
    NAMES,
    LISTS,
    LISTS,
)


def strict(effect: Effect | None) -> int:
    return -1 if effect is None else STRICTNESS[effect]


@given(POLICIES, SUBJECTS, NAMES, LISTS)
def test_another_link_never_allows_more(policy: Policy, who: Subject, tool: str, more: tuple[str, ...] | None) -> None:
    narrowed = replace(who, agent="agent", agent_permissions=more)

    assert strict(policy.decide(narrowed, CALL, tool).effect) >= strict(policy.decide(who, CALL, tool).effect)


@given(POLICIES, SUBJECTS, NAMES)
def test_what_anyone_denies_is_denied_and_the_strictest_wins(policy: Policy, who: Subject, tool: str) -> None:
    said = [one.effect for one in policy.links(who, CALL, tool)]

    assert strict(policy.decide(who, CALL, tool).effect) == max(map(strict, said))


@given(st.lists(RULES, max_size=6), st.randoms(use_true_random=False), SUBJECTS, NAMES)
def test_the_order_of_the_rules_decides_nothing(rules: list[Rule], dice: object, who: Subject, tool: str) -> None:
    mixed = list(rules)
    dice.shuffle(mixed)  # type: ignore[attr-defined]

    assert Policy(Rules(rules)).decide(who, CALL, tool).effect is Policy(Rules(mixed)).decide(who, CALL, tool).effect


@given(POLICIES, SUBJECTS, NAMES)
def test_an_empty_list_allows_nothing(policy: Policy, who: Subject, tool: str) -> None:
    assert policy.decide(replace(who, permissions=()), CALL, tool).effect is DENY


@given(POLICIES, SUBJECTS, NAMES)
def test_the_same_question_has_the_same_answer(policy: Policy, who: Subject, tool: str) -> None:
    assert policy.decide(who, CALL, tool) == policy.decide(who, CALL, tool)


@given(st.lists(RULES, max_size=6), SUBJECTS, NAMES)
def test_rules_are_found_as_if_each_were_read(rules: list[Rule], who: Subject, tool: str) -> None:
    unlimited = replace(who, permissions=None, acting=Acting(SessionId("s"), "ab"))
    speaking = [one.effect for one in rules if slowly_speaks(one, unlimited, tool)]

    assert Policy(Rules(rules)).decide(unlimited, CALL, tool).effect is max(speaking, key=strict, default=ALLOW)


def slowly_speaks(one: Rule, who: Subject, tool: str) -> bool:
    values = {
        Aspect.RESOURCES: tool,
        Aspect.TENANTS: who.tenant,
        Aspect.USERS: "" if who.acting is None else who.acting.user_id,
        Aspect.WORKFLOWS: who.workflow,
    }
    return all(_speaks(aspect, entries, values[aspect]) for aspect, entries in one.of.items())


def _speaks(aspect: Aspect, entries: Iterable[str], value: str) -> bool:
    if aspect is Aspect.WORKFLOWS:
        entries = [entry if entry.endswith("*") else f"{entry}@*" for entry in entries]
    return bool(value) and any(value.startswith(entry[:-1]) if entry.endswith("*") else entry == value for entry in entries)


@given(LISTS, LISTS, NAMES)
def test_two_lists_together_grant_what_both_do(one: tuple[str, ...] | None, other: tuple[str, ...] | None, tool: str) -> None:
    together = both(one, other)

    assert (together is None or grants(together, tool)) == all(entries is None or grants(entries, tool) for entries in (one, other))

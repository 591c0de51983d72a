"""`weft policy`, as it is typed: the decision, and every link of the chain behind it."""

import pytest

from tests.integration.cli.command import Weft

pytestmark = pytest.mark.processes

POLICY = """\
policy: 1
missing: deny
rules:
  - {id: sums, effect: allow, resources: [calculator], not_match: [datetime]}
  - {id: the world, effect: ask, effects: [once, idempotent]}
  - {id: dates, effect: allow, resources: [datetime], roles: [author, admin]}
"""


@pytest.fixture
def policy(weft: Weft) -> dict[str, str]:
    return {"WEFT_POLICY": str(weft.write("policy.yaml", POLICY))}


def test_a_decision_is_explained_by_its_rule_and_every_link(weft: Weft, policy: dict[str, str]) -> None:
    allowed = weft("policy", "check", "--tool", "calculator", "--role", "operator", **policy)
    denied = weft("policy", "check", "--tool", "datetime", "--role", "viewer", "--json", **policy)

    assert (allowed.code, allowed.err) == (0, "")
    assert allowed.out.splitlines() == [
        "allow: sums (policy.yaml)",
        "policy.yaml\tallow\tsums",
        "role operator\tallow\ttool.call needs the role operator",
    ]
    assert denied.code == 1
    assert (denied.json["effect"], denied.json["source"], denied.json["missing"]) == ("deny", "policy.yaml", ["role viewer"])


def test_the_rules_are_shown_as_they_are_understood(weft: Weft, policy: dict[str, str]) -> None:
    shown = weft("policy", "show", **policy)

    assert shown.out.splitlines() == [
        "sums\tallow\tresources: calculator",
        "the world\task\teffects: once, idempotent",
        "dates\tallow\tresources: datetime; roles: author, admin",
        "otherwise\tdeny\tpolicy.yaml",
    ]


def test_a_policy_that_is_wrong_is_told_with_every_problem(weft: Weft) -> None:
    file = weft.write("policy.yaml", "policy: 1\nrules: [{effect: forbid}, {effect: deny, resources: [a], match: [b]}]\n")
    refused = weft("policy", "show", WEFT_POLICY=str(file))

    assert refused.code == 2
    assert "/rules/0/effect" in refused.err
    assert "/rules/1/match/0: the rule does not speak of this" in refused.err

"""A policy as its owner writes it: what is wrong with it is all said at once, before anything is called."""

from pathlib import Path
from typing import Any

import pytest

from application.policies import read_policy
from domain.access import CALL
from domain.decision import Effect
from domain.errors import FactoryError, ValidationError
from domain.ids import TenantId
from domain.policy import Policy, Subject
from infrastructure.strict_file import document_in

RUN = Subject(TenantId("t"), workflow="billing@1.0.0")


def read(*rules: Any, **more: Any) -> Policy:
    return read_policy({"policy": 1, "rules": list(rules), **more}, "policy.yaml")


def problems(document: Any) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as refused:
        read_policy(document, "policy.yaml")
    return [(problem.pointer, problem.code) for problem in refused.value.problems]


def test_the_strictest_rule_wins_and_is_named() -> None:
    policy = read(
        {"id": "payments", "effect": "ask", "resources": ["charge", "refund"]},
        {"id": "all of billing", "effect": "allow", "resources": ["*"], "workflows": ["billing"]},
        {"effect": "deny", "resources": ["refund"]},
        missing="deny",
    )
    decided = {tool: policy.decide(RUN, CALL, tool) for tool in ("charge", "refund", "calculator")}

    assert {tool: (one.effect.value, one.rule, one.source) for tool, one in decided.items()} == {
        "charge": ("ask", "payments", "policy.yaml"),
        "refund": ("deny", "rules/2", "policy.yaml"),
        "calculator": ("allow", "all of billing", "policy.yaml"),
    }
    assert policy.decide(Subject(TenantId("t")), CALL, "calculator").effect is Effect.DENY


def test_examples_that_hold_are_taken() -> None:
    policy = read(
        {
            "effect": "deny",
            "resources": ["mail*"],
            "match": ["mail_send"],
            "not_match": ["mai"],
        },
        {
            "effect": "allow",
            "workflows": ["billing"],
            "users": ["a*"],
            "match": [{"resource": "x", "workflow": "billing@1.0.0", "user": "ada"}],
            "not_match": ["x", {"workflow": "billing@1.0.0", "user": "bob"}],
        },
    )

    assert policy.decide(RUN, CALL, "mail_send").effect is Effect.DENY


@pytest.mark.parametrize(
    ("document", "found"),
    [
        pytest.param([], [("", "wrong_type"), ("", "missing_field"), ("", "missing_field")], id="no object"),
        pytest.param({"policy": 2, "rules": []}, [("/policy", "unknown_format")], id="another format"),
        pytest.param({"policy": 1, "rules": {}}, [("/rules", "wrong_type")], id="rules that are no list"),
        pytest.param({"policy": 1, "rules": [], "default": "deny"}, [("/default", "unknown_field")], id="a key that there is not"),
        pytest.param({"policy": 1, "rules": [], "missing": "refuse"}, [("/missing", "wrong_type")], id="an effect that there is not"),
        pytest.param({"policy": 1, "rules": [{}]}, [("/rules/0", "missing_field")], id="a rule without an effect"),
        pytest.param(
            {"policy": 1, "rules": [{"effect": "deny", "tools": ["x"]}, {"effect": "forbid", "resources": "x"}]},
            [("/rules/0/tools", "unknown_field"), ("/rules/1/resources", "wrong_type"), ("/rules/1/effect", "wrong_type")],
            id="everything at once",
        ),
        pytest.param({"policy": 1, "rules": [{"effect": "deny", "users": []}]}, [("/rules/0/users", "empty_list")], id="an empty list"),
        pytest.param(
            {"policy": 1, "rules": [{"effect": "deny", "resources": ["*_all", ""]}]},
            [("/rules/0/resources/0", "bad_entry"), ("/rules/0/resources/1", "bad_entry")],
            id="entries that are no names",
        ),
        pytest.param(
            {"policy": 1, "rules": [{"effect": "deny", "roles": ["operater"], "effects": ["once"], "types": ["mpc"], "actions": ["read"]}]},
            [("/rules/0/actions/0", "unknown_word"), ("/rules/0/roles/0", "unknown_word"), ("/rules/0/types/0", "unknown_word")],
            id="words that would never be asked for",
        ),
        pytest.param(
            {"policy": 1, "rules": [{"id": "a", "effect": "deny"}, {"id": "a", "effect": "ask"}]},
            [("/rules/1/id", "duplicate_id")],
            id="two rules of one id",
        ),
        pytest.param(
            {"policy": 1, "rules": [{"effect": "deny", "resources": ["mail_*"], "match": ["mail_send", "mail"], "not_match": ["mail_x"]}]},
            [("/rules/0/match/1", "example_fails"), ("/rules/0/not_match/0", "example_fails")],
            id="examples that do not hold",
        ),
        pytest.param(
            {"policy": 1, "rules": [{"effect": "deny", "match": [{"tool": "x"}]}]},
            [("/rules/0/match/0/tool", "unknown_field")],
            id="an example of something else",
        ),
    ],
)
def test_what_is_wrong_with_a_policy_is_said_at_once(document: Any, found: list[tuple[str, str]]) -> None:
    assert problems(document) == found


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("p.yaml", "policy: 1\nrules:\n  - {effect: deny, resources: [charge]}\n", id="yaml"),
        pytest.param("p.json", '{"policy": 1, "rules": [{"effect": "deny", "resources": ["charge"]}]}', id="json"),
    ],
)
def test_a_policy_stands_in_a_file(tmp_path: Path, name: str, text: str) -> None:
    file = tmp_path / name
    file.write_text(text)

    assert read_policy(document_in(file, "WEFT_POLICY"), name).decide(RUN, CALL, "charge").effect is Effect.DENY


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        pytest.param("p.yaml", "rules: [{effect: deny, effect: allow}]", "`effect` is there twice", id="a key twice in YAML"),
        pytest.param("p.json", '{"rules": [], "rules": []}', "`rules` is there twice", id="a key twice in JSON"),
        pytest.param("p.yaml", "rules: [", "expected", id="no YAML"),
        pytest.param("p.json", "{", "Expecting", id="no JSON"),
        pytest.param("p.yaml", "a: !!python/object:os.system {}", "constructor", id="something to run"),
        pytest.param("p.yaml", "[" * 5_000, "", id="too deep to read"),
    ],
)
def test_a_file_that_cannot_be_read_says_which_setting_names_it(tmp_path: Path, name: str, text: str, why: str) -> None:
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(FactoryError, match="WEFT_POLICY") as refused:
        document_in(file, "WEFT_POLICY")

    assert why in refused.value.message


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FactoryError, match=r"WEFT_POLICY: .*nowhere\.yaml"):
        document_in(tmp_path / "nowhere.yaml", "WEFT_POLICY")

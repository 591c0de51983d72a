"""What an order and the `flow` of its workflow come to."""

from typing import Any

import pytest

from application.documents import dump_graph, parse_graph, read_graph
from application.flow import FlowPolicy, MakeTerms
from application.run_orders import RunOrder
from domain.errors import ValidationError
from domain.graph.flow import Priority
from domain.run.terms import Gate, Terms
from infrastructure.expressions import CelExpressions

MAKE = MakeTerms(CelExpressions(), FlowPolicy(ageing_seconds=10.0, concurrency_limit=4))


def document(flow: Any) -> dict[str, Any]:
    return {
        "weft": 1,
        "name": "mail",
        "version": "1.0.0",
        "nodes": {"a": {"kind": "transform"}},
        "edges": [{"from": "start", "to": "a"}],
        "flow": flow,
    }


def terms(flow: Any, given: dict[str, Any] | None = None, **order: Any) -> Terms:
    graph = parse_graph(document(flow))
    return MAKE(graph.name, graph.flow, RunOrder(workflow="mail", **order), given or {"customer": "acme", "n": 7})


WHOLE = {
    "concurrency": {"key": "${input.customer}", "limit": 2},
    "rate": {"limit": 10, "seconds": 60.0},
    "singleton": {"key": "nightly"},
    "debounce": {"key": "${input.n}", "seconds": 5.0},
    "priority": "high",
}


def test_every_rule_becomes_a_term() -> None:
    assert terms(WHOLE) == Terms(
        delay_seconds=5.0,
        head_start=20.0,
        slot=Gate("slot/mail/acme", 2),
        rate=Gate("rate/mail", 10, 60.0),
        singleton="mail/nightly",
        debounce="mail/7",
    )


def test_nothing_said_is_nothing_but_a_normal_place() -> None:
    assert terms({}) == Terms(head_start=10.0)


def test_what_is_written_comes_back() -> None:
    assert dump_graph(parse_graph(document(WHOLE)))["flow"] == WHOLE


@pytest.mark.parametrize(
    ("flow", "order", "slot"),
    [
        pytest.param({}, {"concurrency_key": "gpu"}, Gate("key/gpu", 4), id="the setting's limit"),
        pytest.param(WHOLE, {"concurrency_key": "gpu"}, Gate("key/gpu", 2), id="the workflow's limit"),
        pytest.param({"concurrency": {"limit": 3}}, {}, Gate("slot/mail", 3), id="no key is one for all runs of the workflow"),
    ],
)
def test_an_orders_own_key_stands_before_the_rules(flow: Any, order: dict[str, Any], slot: Gate) -> None:
    assert terms(flow, **order).slot == slot


@pytest.mark.parametrize(
    ("flow", "order", "priority"),
    [
        pytest.param({}, {}, Priority.NORMAL, id="normal"),
        pytest.param({"priority": "high"}, {}, Priority.HIGH, id="the workflow's"),
        pytest.param({"priority": "high"}, {"priority": "low"}, Priority.LOW, id="the order's own"),
    ],
)
def test_a_priority_is_worth_so_much_waiting(flow: Any, order: dict[str, Any], priority: Priority) -> None:
    graph = parse_graph(document(flow))

    assert MAKE.priority(graph.flow, RunOrder(workflow="mail", **order)) is priority
    assert terms(flow, **order).head_start == priority.rank * 10.0


def test_the_longer_of_delay_and_debounce_holds() -> None:
    assert terms(WHOLE, delay_seconds=2.0).delay_seconds == 5.0
    assert terms(WHOLE, delay_seconds=9.0).delay_seconds == 9.0


@pytest.mark.parametrize(
    ("given", "pointers"),
    [
        pytest.param({"n": 1}, ["/workflow/flow/concurrency/key"], id="a member that is missing"),
        pytest.param({"customer": [1], "n": {}}, ["/workflow/flow/concurrency/key", "/workflow/flow/debounce/key"], id="not a scalar"),
        pytest.param({"customer": "x" * 201, "n": 1}, ["/workflow/flow/concurrency/key"], id="too long"),
        pytest.param({"customer": None, "n": 1}, ["/workflow/flow/concurrency/key"], id="null"),
    ],
)
def test_a_key_that_does_not_fit_the_input_is_refused_with_its_pointer(given: dict[str, Any], pointers: list[str]) -> None:
    with pytest.raises(ValidationError) as refused:
        terms(WHOLE, given)

    assert [problem.pointer for problem in refused.value.problems] == pointers


@pytest.mark.parametrize(
    ("flow", "pointer", "code"),
    [
        pytest.param({"concurrency": {"key": "k"}}, "/flow/concurrency", "missing_field", id="no limit"),
        pytest.param({"concurrency": {"limit": 0}}, "/flow/concurrency/limit", "wrong_type", id="a limit of none"),
        pytest.param({"rate": {"limit": 1}}, "/flow/rate", "missing_field", id="no window"),
        pytest.param({"rate": {"limit": 1, "seconds": 0}}, "/flow/rate/seconds", "wrong_type", id="a window of no time"),
        pytest.param({"debounce": {"seconds": 1e9}}, "/flow/debounce/seconds", "too_long", id="longer than ten years"),
        pytest.param({"singleton": {"key": ["a"]}}, "/flow/singleton/key", "wrong_type", id="a list for a key"),
        pytest.param({"singleton": True}, "/flow/singleton", "wrong_type", id="no object"),
        pytest.param({"priority": "urgent"}, "/flow/priority", "wrong_type", id="a class there is not"),
        pytest.param({"fairness": {}}, "/flow/fairness", "unknown_field", id="a rule there is not"),
    ],
)
def test_a_rule_that_cannot_be_read_is_told_with_its_pointer(flow: Any, pointer: str, code: str) -> None:
    _, problems = read_graph(document(flow))

    assert [(problem.pointer, problem.code) for problem in problems] == [(pointer, code)]


def test_an_order_of_an_older_client_keeps_its_digest() -> None:
    plain, same = RunOrder(workflow="mail"), RunOrder(workflow="mail", input={})

    assert plain.digest() == same.digest()
    assert "priority" not in plain.model_dump(exclude={"priority", "delay_seconds", "concurrency_key"})
    assert RunOrder(workflow="mail", priority=Priority.HIGH).digest() != plain.digest()

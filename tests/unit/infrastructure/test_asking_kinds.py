"""What `human` nodes and approvals ask, and what is wrong with how they are written."""

from typing import Any

import pytest

from application.validation import Validate
from domain.acting import Acting
from domain.errors import Forbidden
from domain.graph.definition import Node
from domain.ids import DEFAULT_TENANT, ActivationPath, NodeId, RunId, SessionId
from domain.json import Json
from domain.ports.nodes import NodeContext, Park
from domain.question import Answer, Escalation, OnDeadline, Question
from infrastructure.nodes import human, tool
from tests.documents import Document, OurKinds, document, workshop

NOW = 1000.0
YES = {"type": "boolean"}


def context(answer: Answer | None = None, acting: Acting | None = None) -> NodeContext:
    scope: dict[str, Json] = {"state": {"x": 2}, "input": {}}
    return NodeContext(DEFAULT_TENANT, RunId("r"), ActivationPath("/n#1"), 1, scope, lambda: NOW, print, acting=acting, answer=answer)


def asked(**keys: Json) -> Park:
    executor = human.kind.build(Node(NodeId("n"), "human", keys), workshop())
    assert executor.asks is not None
    parked = executor.asks(context())
    assert isinstance(parked, Park)
    return parked


def test_a_question_is_worked_out_when_it_is_asked() -> None:
    parked = asked(show="x is ${state.x}", schema=YES, who="ada", deadline_seconds="${state.x}", default=True)

    assert (parked.until, parked.output) == (NOW + 2, True)
    assert parked.question == Question("x is 2", YES, ("ada",), OnDeadline.DEFAULT)


def test_a_question_without_keys_is_to_operators_and_for_ever() -> None:
    parked = asked()

    assert (parked.until, parked.question) == (None, Question({}, {"type": "object"}))


def test_a_question_comes_back_from_the_journal_as_it_was() -> None:
    parked = asked(show=[1], who=["a", "b"], escalate={"who": ["c"], "after_seconds": 5}, deadline_seconds=9, on_deadline="edge")

    assert parked.question is not None
    assert parked.question.escalation == Escalation(("c",), NOW + 5)
    assert Question.of(parked.question.as_json()) == parked.question


def one(kind: str, **keys: Any) -> Document:
    return document({"a": {"kind": kind, **keys}, "b": {"kind": "transform"}}, ["start > a", "a > b"])


@pytest.mark.parametrize(
    ("written", "pointers"),
    [
        pytest.param(one("human"), [], id="nothing more than that it asks"),
        pytest.param(one("human", schema={"type": "tree"}), ["/nodes/a/schema/type"], id="no schema"),
        pytest.param(one("human", default=1, schema=YES, deadline_seconds=1), ["/nodes/a/default"], id="a default that is no answer"),
        pytest.param(one("human", default=True, schema=YES), ["/nodes/a"], id="a default without a deadline"),
        pytest.param(one("human", on_deadline="default", deadline_seconds=1), ["/nodes/a/on_deadline"], id="no default"),
        pytest.param(one("human", on_deadline="edge", deadline_seconds=1), ["/nodes/a/on_deadline"], id="no edge"),
        pytest.param(one("human", on_deadline="later", deadline_seconds=1), ["/nodes/a/on_deadline"], id="no such ending"),
        pytest.param(one("human", deadline_seconds=-1), ["/nodes/a/deadline_seconds"], id="a deadline in the past"),
        pytest.param(one("human", escalate={"who": ["c"], "after_seconds": "soon"}), ["/nodes/a/escalate/after_seconds"], id="no time"),
        pytest.param(one("human", show="${state.y}"), ["/nodes/a/show"], id="a channel that there is not"),
        pytest.param(one("human", whom="ada"), ["/nodes/a/whom"], id="a key that is not known"),
        pytest.param(one("tool", tool="lookup", approval={}), [], id="an approval"),
        pytest.param(one("tool", tool="lookup", approval={"on_deadline": "default"}), ["/nodes/a/approval/on_deadline"], id="by default"),
        pytest.param(one("tool", tool="lookup", approval={"on_deadline": "edge"}), ["/nodes/a/approval/on_deadline"], id="no edge either"),
    ],
)
def test_what_is_wrong_is_said_where_it_is(written: Document, pointers: list[str]) -> None:
    found = Validate(OurKinds(), workshop())(written)

    assert sorted({problem.pointer for problem in found.problems}) == pointers


def test_an_edge_that_catches_the_deadline_is_enough() -> None:
    nodes = {"a": {"kind": "human", "deadline_seconds": 1, "on_deadline": "edge"}, "b": {"kind": "transform"}}

    assert Validate(OurKinds(), workshop())(document(nodes, ["start > a", "a ! b"])).problems == ()


def test_nobody_is_asked_about_a_call_that_the_session_does_not_allow() -> None:
    executor = tool.kind.build(Node(NodeId("n"), "tool", {"tool": "lookup", "approval": {}}), workshop())
    assert executor.asks is not None
    with pytest.raises(Forbidden):
        executor.asks(context(acting=Acting(SessionId("s"), "ada", ())))

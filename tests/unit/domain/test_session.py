"""What a session may become, and what it lets its runs do."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from domain.acting import Acting
from domain.errors import IllegalTransition
from domain.ids import SessionId, TenantId, ThreadId
from domain.policy import CALL, Policy, Subject
from domain.session import Session, SessionContext, SessionState

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
LATER = NOON + timedelta(seconds=1)
ACTIVE, PAUSED, COMPLETED, ABORTED = SessionState
LEGAL = {
    (ACTIVE, PAUSED),
    (ACTIVE, COMPLETED),
    (ACTIVE, ABORTED),
    (PAUSED, ACTIVE),
    (PAUSED, COMPLETED),
    (PAUSED, ABORTED),
}


def a_session(state: SessionState = ACTIVE, **told: object) -> Session:
    made = Session(SessionId("s"), TenantId("t"), "ada", NOON, NOON, ThreadId("m"), state)
    return replace(made, **told)  # type: ignore[arg-type]


@pytest.mark.parametrize(("state", "wanted"), sorted(LEGAL), ids=str)
def test_a_legal_move_is_made(state: SessionState, wanted: SessionState) -> None:
    moved = a_session(state).moved(wanted, LATER)

    assert (moved.state, moved.updated_at) == (wanted, LATER)


@pytest.mark.parametrize("state", SessionState)
def test_where_it_is_already_it_stays_and_nothing_changes(state: SessionState) -> None:
    assert a_session(state).moved(state, LATER) == a_session(state)


ILLEGAL = [(state, wanted) for state, wanted in product(SessionState, SessionState) if state is not wanted and (state, wanted) not in LEGAL]


@pytest.mark.parametrize(("state", "wanted"), ILLEGAL, ids=str)
def test_every_other_move_is_refused_with_both_states(state: SessionState, wanted: SessionState) -> None:
    with pytest.raises(IllegalTransition) as refusal:
        a_session(state).moved(wanted, LATER)

    assert f"is {state.value} and cannot become {wanted.value}" in refusal.value.message


def test_there_are_six_illegal_moves() -> None:
    assert len(ILLEGAL) == 6


@pytest.mark.parametrize("state", [COMPLETED, ABORTED])
def test_nothing_of_a_session_that_is_over_can_be_changed(state: SessionState) -> None:
    with pytest.raises(IllegalTransition, match=state.value):
        a_session(state).changed(LATER, workflow="triage")


@pytest.mark.parametrize("state", [PAUSED, COMPLETED, ABORTED])
def test_only_an_active_one_lets_runs_begin(state: SessionState) -> None:
    a_session().must_be_active()
    with pytest.raises(IllegalTransition, match=f"is {state.value} and must be active"):
        a_session(state).must_be_active()


def test_two_changes_at_one_time_have_two_times() -> None:
    once = a_session().changed(NOON, workflow="a")
    twice = once.changed(NOON - timedelta(hours=1), workflow="b")

    assert NOON < once.updated_at < twice.updated_at


@pytest.mark.parametrize(
    ("permissions", "tool", "allowed"),
    [
        pytest.param(None, "mail", True, id="no list allows everything"),
        pytest.param((), "mail", False, id="an empty list allows nothing"),
        pytest.param(("mail",), "mail", True, id="a name allows that tool"),
        pytest.param(("mail",), "mailbox", False, id="a name is no prefix"),
        pytest.param(("mail.*",), "mail.send", True, id="a prefix allows what begins so"),
        pytest.param(("mail.*",), "mail", False, id="a prefix is not the name"),
        pytest.param(("mail.*",), "mailbox", False, id="a prefix ends where it ends"),
        pytest.param(("text_*",), "text_search", True, id="a prefix needs no dot"),
        pytest.param(("a", "b", "mail"), "mail", True, id="one of several is enough"),
        pytest.param(("Mail",), "mail", False, id="case counts"),
    ],
)
def test_permissions(permissions: tuple[str, ...] | None, tool: str, allowed: bool) -> None:
    acting = a_session(context=SessionContext(permissions=permissions)).acting

    assert acting == Acting(SessionId("s"), "ada", permissions)
    decision = Policy().decide(Subject(acting=acting, tenant=TenantId("t")), CALL, tool)
    assert (decision.is_allowed, decision.missing) == (allowed, () if allowed else ("session s",))

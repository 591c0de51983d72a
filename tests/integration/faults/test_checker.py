"""The checker finds every kind of breach in evidence that was tampered with, and none in evidence that was not."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from tests.integration.faults.checker import PROMISES, breaches
from tests.integration.faults.evidence import Charge, Evidence, Row
from tests.integration.faults.ledger import Call

THREAD, RUN = "t", "r"


def row(position: int, kind: str, **body: Any) -> Row:
    return Row(THREAD, position, RUN, kind, body)


def finished(position: int, node: str, answer: str, read_at: int) -> Row:
    return row(position, "node_finished", activation=f"/{node}#1", updates={node: answer}, read_at=read_at)


def call(number: int, what: str, node: str, seen: Sequence[str], answer: str, tokens: int = 0) -> Call:
    return Call(number, 0.0, what, RUN, node, f"/{node}#1", f"key-{node}", list(seen), 7, answer, tokens)


JOURNAL = (
    row(1, "run_started"),
    finished(2, "open", "put-1", 1),
    finished(3, "ask", "model-2", 2),
    finished(4, "pay", "pay-3", 3),
    row(5, "run_ended", status="completed"),
)
CALLS = (
    call(1, "put", "open", ["a"], "put-1"),
    call(2, "model", "ask", ["put-1"], "model-2", tokens=2),
    call(3, "pay", "pay", [""], "pay-3"),
)
PAID = Charge(RUN, "/ask#1", 1, 1, 2, 7, False, "counted")
HONEST = Evidence(
    runs={RUN: "completed"},
    outcomes={RUN: {"waiting_for": [], "failure": None, "usage": {"prompt_tokens": 2, "completion_tokens": 7}}},
    inputs={RUN: {"account": "a"}},
    journal=JOURNAL,
    charges=[PAID],
    heads={THREAD: 5},
    queued=frozenset(),
    claims={(THREAD, 1): "p_1"},
    writes=[(THREAD, position, 1, "p_1") for position in range(1, 6)],
    tampered=[],
    calls=CALLS,
    told=[
        {"what": "ack", "key": "a", "run": RUN},
        *({"what": "row", "run": RUN, "position": one.position, "type": one.kind} for one in JOURNAL),
    ],
)


def test_honest_evidence_has_no_breach() -> None:
    assert breaches(HONEST) == {}


END = f"evt_{RUN}_5_completed"


def hook(event: str, key: str, answer: str = "204", seen: str = "digest") -> Call:
    return Call(9, 0.0, "hook", RUN, event, "", key, seen, 0, answer)


TOLD = replace(
    HONEST, webhooks=["w"], calls=[*CALLS, hook("run.started", "s"), hook("run.completed", END, "500"), hook("run.completed", END)]
)


def test_what_a_receiver_took_at_its_second_try_is_no_breach() -> None:
    assert breaches(TOLD) == {}


LOST = PAID._replace(tokens=40, completion=4_096, estimated=True, state="unknown")


def says(prompt: int, completion: int, unknown: int = 1) -> dict[str, Any]:
    """What the run's public row says it used."""
    return {RUN: {**HONEST.outcomes[RUN], "usage": {"prompt_tokens": prompt, "completion_tokens": completion, "unknown": unknown}}}


LOST_WITH_ITS_WORKER = replace(
    HONEST,
    charges=[LOST],
    claims={(THREAD, 1): "p_1", (THREAD, 2): "p_2"},
    outcomes=says(40, 4_096),
    killed=frozenset({7}),
)
LIES: dict[str, list[Callable[[Evidence], Evidence]]] = {
    "acknowledged_runs_exist": [lambda seen: replace(seen, told=[{"what": "ack", "key": "b", "run": "gone"}])],
    "every_run_is_final_or_waits_for_an_operator": [
        lambda seen: replace(seen, runs={RUN: "running"}),
        lambda seen: replace(seen, queued=frozenset({RUN})),
    ],
    "one_run_per_key": [
        lambda seen: replace(seen, inputs={RUN: {"account": "a"}, "other": {"account": "a"}}),
        lambda seen: replace(seen, told=[*seen.told, {"what": "ack", "key": "a", "run": "other"}]),
    ],
    "one_result_per_activation": [lambda seen: replace(seen, journal=[*JOURNAL, finished(6, "open", "put-1", 1)])],
    "journals_have_no_gaps_and_are_never_changed": [
        lambda seen: replace(seen, journal=[*JOURNAL[:2], *JOURNAL[3:]]),
        lambda seen: replace(seen, heads={THREAD: 6}),
        lambda seen: replace(seen, tampered=[(THREAD, 2, "UPDATE")]),
    ],
    "nobody_writes_without_the_newest_lease": [
        lambda seen: replace(seen, writes=[*seen.writes, (THREAD, 5, 1, "p_2")]),
        lambda seen: replace(seen, claims={}),
    ],
    "one_end_and_nothing_after_it": [
        lambda seen: replace(seen, journal=[*JOURNAL, row(6, "run_ended", status="completed")]),
        lambda seen: replace(seen, journal=JOURNAL[:-1]),
        lambda seen: replace(seen, runs={RUN: "failed"}),
    ],
    "inputs_are_the_committed_outputs_upstream": [
        lambda seen: replace(seen, calls=[CALLS[0], replace(CALLS[1], seen=["put-9"]), CALLS[2]]),
        lambda seen: replace(seen, calls=CALLS[1:]),
    ],
    "effects_keep_their_word": [
        lambda seen: replace(seen, calls=[*CALLS, replace(CALLS[0], key="another")]),
        lambda seen: replace(seen, calls=[*CALLS, replace(CALLS[0], seen=["another"])]),
        lambda seen: replace(seen, calls=[*CALLS, CALLS[2]]),
        lambda seen: replace(seen, calls=[*CALLS, replace(CALLS[0], activation="/other#1")]),
    ],
    "every_token_is_charged_once": [
        lambda seen: replace(seen, charges=[*seen.charges, PAID._replace(attempt=2)]),
        lambda seen: replace(seen, charges=[]),
        lambda seen: replace(seen, charges=[], killed=frozenset({7})),
        lambda seen: replace(seen, charges=[*seen.charges, PAID._replace(attempt=2, tokens=99)]),
    ],
    "nothing_stays_reserved_and_only_what_was_lost_is_unknown": [
        lambda seen: replace(seen, charges=[*seen.charges, LOST._replace(attempt=2, state="reserved")]),
        lambda seen: replace(seen, charges=[LOST]),
        lambda seen: replace(LOST_WITH_ITS_WORKER, charges=[LOST, PAID._replace(attempt=2)]),
    ],
    "totals_say_what_the_lines_say": [
        lambda seen: replace(LOST_WITH_ITS_WORKER, outcomes=says(2, 7 + 10_000)),
        lambda seen: replace(seen, outcomes={RUN: {**seen.outcomes[RUN], "usage": {"prompt_tokens": 4, "completion_tokens": 14}}}),
    ],
    "readers_get_exactly_the_rows": [
        lambda seen: replace(seen, told=seen.told[:-1]),
        lambda seen: replace(seen, told=[*seen.told, seen.told[-1]]),
    ],
    "receivers_hear_of_every_run": [
        lambda seen: replace(TOLD, calls=TOLD.calls[:-1]),
        lambda seen: replace(TOLD, calls=[one for one in TOLD.calls if one.node != "run.started"]),
        lambda seen: replace(TOLD, calls=[*TOLD.calls, hook("run.completed", "another")]),
        lambda seen: replace(TOLD, calls=[*TOLD.calls, hook("run.completed", END, seen="other words")]),
    ],
    "nobody_was_refused": [
        lambda seen: replace(seen, told=[*seen.told, {"what": "refused", "path": "/v1/runs", "status": 500, "body": ""}]),
        lambda seen: replace(seen, told=[*seen.told, {"what": "gave up", "path": "/v1/runs"}]),
    ],
}


@pytest.mark.parametrize(
    ("promise", "lie"),
    [pytest.param(name, lie, id=f"{name}-{number}") for name, lies in LIES.items() for number, lie in enumerate(lies)],
)
def test_a_lie_breaks_its_promise(promise: str, lie: Callable[[Evidence], Evidence]) -> None:
    assert promise in breaches(lie(HONEST))


def test_every_promise_is_seen_to_break() -> None:
    assert set(LIES) == set(PROMISES)


def test_an_answer_lost_with_its_process_and_charged_what_was_reserved_is_no_breach() -> None:
    assert breaches(LOST_WITH_ITS_WORKER) == {}


def test_a_total_that_stays_at_what_was_reserved_is_no_breach() -> None:
    """The worker that had made the call came back."""
    assert breaches(replace(LOST_WITH_ITS_WORKER, charges=[PAID])) == {}

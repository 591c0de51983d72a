"""What a line of the ledger may become, and what counts."""

import pytest

from domain.ids import ActivationPath, Epoch, RunId, TenantId, ThreadId
from domain.usage import Usage, UsageRow, UsageState, UsageTotal, newest

RESERVED, COUNTED, UNKNOWN, VOID = UsageState
MAY_BECOME = {
    RESERVED: {RESERVED, COUNTED, UNKNOWN, VOID},
    COUNTED: set(),
    UNKNOWN: {COUNTED},
    VOID: {COUNTED},
}


@pytest.mark.parametrize("now", UsageState)
@pytest.mark.parametrize("then", UsageState)
def test_a_reservation_is_settled_once_and_a_count_is_final(now: UsageState, then: UsageState) -> None:
    assert now.gives_way_to(then) == (then in MAY_BECOME[now])


def test_only_what_is_counted_or_lost_is_charged() -> None:
    assert [state for state in UsageState if state.is_charged] == [COUNTED, UNKNOWN]


def line(state: UsageState, tokens: int = 1, attempt: int = 1) -> UsageRow:
    about = (TenantId("t"), ThreadId("h"), RunId("r"), "w", ActivationPath("/a#1"), 0, attempt, Epoch(1))
    return UsageRow(*about, Usage("m", tokens, 0), state)


def test_of_one_call_the_lines_come_to_one() -> None:
    rows = [line(RESERVED, 9), line(RESERVED, attempt=2), line(COUNTED, 3), line(UNKNOWN, 9), line(VOID, attempt=2)]

    assert newest(rows) == [line(COUNTED, 3), line(VOID, attempt=2)]


def test_a_total_says_how_many_calls_were_lost() -> None:
    total = UsageTotal().plus(Usage("m", 1, 2)).plus(Usage("m", 10, 20), UNKNOWN)

    assert (total.calls, total.unknown, total.total_tokens, total.unpriced) == (2, 1, 33, 2)

"""What a line of the ledger may become, and what counts."""

from itertools import permutations

import pytest

from domain.ids import ActivationPath, Epoch, RunId, TenantId, ThreadId
from domain.usage import Usage, UsageRow, UsageState, UsageTotal, newest

RESERVED, COUNTED, UNKNOWN, VOID = UsageState
MAY_BECOME = {RESERVED: {COUNTED, UNKNOWN, VOID}, VOID: {COUNTED, UNKNOWN}, UNKNOWN: {COUNTED}, COUNTED: set()}


@pytest.mark.parametrize("now", UsageState)
@pytest.mark.parametrize("then", UsageState)
def test_a_reservation_is_settled_once_and_a_count_is_final(now: UsageState, then: UsageState) -> None:
    assert now.gives_way_to(then) == (then in MAY_BECOME[now])


def test_only_what_is_counted_or_lost_is_charged() -> None:
    assert [state for state in UsageState if state.is_charged] == [COUNTED, UNKNOWN]


def line(state: UsageState, tokens: int = 1, attempt: int = 1) -> UsageRow:
    about = (TenantId("t"), ThreadId("h"), RunId("r"), "w", ActivationPath("/a#1"), 0, attempt, Epoch(1))
    return UsageRow(*about, Usage("m", tokens, 0), state)


@pytest.mark.parametrize("order", list(permutations(UsageState)))
def test_in_whatever_order_lines_of_a_call_come_the_same_one_is_left(order: tuple[UsageState, ...]) -> None:
    assert newest(map(line, order)) == [line(COUNTED)]


def test_of_one_call_the_lines_come_to_one() -> None:
    rows = [line(RESERVED, 9), line(RESERVED, attempt=2), line(COUNTED, 3), line(UNKNOWN, 9), line(VOID, attempt=2)]

    assert newest(rows) == [line(COUNTED, 3), line(VOID, attempt=2)]


def test_a_total_says_how_many_calls_were_lost() -> None:
    total = UsageTotal().plus(Usage("m", 1, 2)).plus(Usage("m", 10, 20), UNKNOWN)

    assert (total.calls, total.unknown, total.total_tokens, total.unpriced) == (2, 1, 33, 2)

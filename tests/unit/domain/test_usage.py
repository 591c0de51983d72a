"""What a line of the ledger may become, and what counts."""

from decimal import Decimal
from itertools import permutations

import pytest

from domain.errors import TrackingError
from domain.ids import ActivationPath, Epoch, RunId, TenantId, ThreadId
from domain.usage import Money, Usage, UsageRow, UsageState, UsageTotal, newest

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


def test_a_total_never_sums_two_currencies() -> None:
    euros = Usage("m", 1, 2, Money(Decimal("0.1"), "EUR"))
    total = UsageTotal().plus(euros).plus(Usage("m", 1, 2, Money(Decimal("0.2")))).plus(euros).plus(Usage("m", 1, 2))

    assert total.cost == Money(Decimal("0.2"))
    assert total.others == (Money(Decimal("0.2"), "EUR"),)
    assert total.unpriced == 1


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "1E+15"])
def test_what_is_no_amount_is_no_money(amount: str) -> None:
    with pytest.raises(TrackingError, match="no amount of money"):
        Money(Decimal(amount))


def test_a_call_uses_what_was_asked_and_what_was_answered() -> None:
    assert Usage("m", 7, 5, cached_tokens=3, reasoning_tokens=2).total_tokens == 12


def test_a_total_says_how_many_calls_were_lost() -> None:
    total = UsageTotal().plus(Usage("m", 1, 2)).plus(Usage("m", 10, 20), UNKNOWN)

    assert (total.calls, total.unknown, total.total_tokens, total.unpriced) == (2, 1, 33, 2)


def of(model: str, tokens: int, cents: str | None = "1") -> Usage:
    return Usage(model, tokens, 0, None if cents is None else Money(Decimal(cents)))


def test_calls_of_one_model_are_summed_and_of_several_stand_side_by_side() -> None:
    usage = of("a", 1).beside(of("b", 10)).beside(of("a", 100).beside(of("b", 1_000).beside(of("c", 5))))

    assert usage.calls == (of("a", 101, "2"), of("b", 1_010, "2"), of("c", 5))


def test_a_total_counts_every_call_that_an_answer_took() -> None:
    total = UsageTotal().plus(of("a", 1).beside(of("b", 10, None)))

    assert (total.calls, total.total_tokens, total.unpriced, total.cost) == (2, 11, 1, Money(Decimal(1)))


def test_what_is_reserved_for_several_models_is_one_line_whose_price_is_known_only_when_all_are() -> None:
    assert of("a", 1).beside(of("b", 10)).as_one == of("a", 11, "2")
    assert of("a", 1).beside(of("b", 10, None)).as_one == of("a", 11, None)

"""Lines of calls that took several models."""

from decimal import Decimal
from typing import cast

from application.account import RunAccount
from domain.ids import ActivationPath, Epoch, RunId, TenantId, ThreadId, WorkerId
from domain.ports.journal import Lease
from domain.run.state import Activation
from domain.usage import Money, Usage, UsageState


class OneVisit:
    path = ActivationPath("/a#1")
    attempt = 1


def test_what_is_reserved_is_one_line_and_what_was_used_is_one_for_each_model() -> None:
    account = RunAccount(Lease(TenantId("t"), ThreadId("h"), RunId("r"), Epoch(1), WorkerId("w")), "flow@1", None, lambda: 0.0)
    call = cast(Activation, OneVisit()), 0
    price = Money(Decimal(1))
    account.reserve(call, Usage("a", 100, 10, price).beside(Usage("b", 5, 0, price)))
    account.kept(account.take_lines())
    assert account.may_begin(call)
    account.count(call, Usage("b", 7, 3, price).beside(Usage("a", 50, 0, price)), attempt=1)

    reserved, (counted, earlier) = account.begun, account.take_lines()
    assert reserved == {}
    assert [(row.attempt, row.usage.model, row.usage.total_tokens, row.state) for row in (counted, earlier)] == [
        (1, "b", 10, UsageState.COUNTED),
        (2, "a", 50, UsageState.COUNTED),
    ]


def test_the_line_that_is_reserved_holds_all_models_together() -> None:
    account = RunAccount(Lease(TenantId("t"), ThreadId("h"), RunId("r"), Epoch(1), WorkerId("w")), "flow@1", None, lambda: 0.0)
    account.reserve((cast(Activation, OneVisit()), 0), Usage("a", 100, 10, Money(Decimal(1))).beside(Usage("b", 5, 0, Money(Decimal(2)))))

    (row,) = account.take_lines()
    assert (row.usage, row.state) == (Usage("a", 105, 10, Money(Decimal(3))), UsageState.RESERVED)

"""The sum of what is spent and reserved never passes a budget's limit, whatever processes do, and whichever of them are lost."""

from dataclasses import dataclass, field, replace
from decimal import Decimal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from domain.budget import AccountKey
from domain.budget_account import Account, Block, Closed, Lack
from domain.ids import BlockId, BudgetId

KEY = AccountKey(BudgetId("b"), "", "")
LIMIT = Decimal(20)
SECONDS = 10.0
AMOUNTS = st.decimals(min_value="0.1", max_value=7, places=1)


@dataclass
class Process:
    """As `application.budgets` does it: takes from memory, begins a call when the mark is durable."""

    block: Block | None = None
    unmarked: list[Decimal] = field(default_factory=list)
    under_way: list[Decimal] = field(default_factory=list)


class Race(RuleBasedStateMachine):
    """`ledger`: what calls that were really made are charged; `reserved` of those under way. It alone is the truth."""

    @initialize()
    def begin(self) -> None:
        self.account = Account(KEY, LIMIT)
        self.processes = [Process() for _ in range(3)]
        self.charged, self.now, self.blocks = Decimal(0), 0.0, 0

    @property
    def reserved(self) -> Decimal:
        return sum((sum(process.under_way, Decimal(0)) for process in self.processes), Decimal(0))

    @property
    def lost_sight_of(self) -> Decimal:
        """Reserved in blocks that others closed: it stays spent, whatever their holders know of it by now."""
        return sum((block.reserved for block in self.account.blocks.values() if block.is_closed), Decimal(0))

    @rule(number=st.integers(0, 2), least=AMOUNTS, times=st.integers(1, 5), alone=st.booleans(), answer_lost=st.booleans())
    def lease(self, number: int, least: Decimal, times: int, alone: bool, answer_lost: bool) -> None:
        process = self.processes[number]
        if process.block is None:
            self.blocks += 1
        held = replace(process.block) if process.block else Block(BlockId(str(self.blocks)), expires_at=self.now + SECONDS)
        lease = self.account.lease(held, least, least * times, self.now, alone=alone)
        if answer_lost:
            lease = self.account.lease(held, least, least * times, self.now, alone=alone)
        if isinstance(lease, Closed):
            self._lose(process)
        elif isinstance(lease, Decimal):
            process.block = process.block or held
            process.block.granted += lease
        else:
            assert isinstance(lease, Lack)
            assert lease.spent <= self.charged + self.reserved + self.lost_sight_of

    @rule(number=st.integers(0, 2), amount=AMOUNTS)
    def take(self, number: int, amount: Decimal) -> None:
        process = self.processes[number]
        if process.block is not None and amount <= process.block.free:
            process.block.take(amount)
            process.unmarked.append(amount)

    @rule(number=st.integers(0, 2))
    def mark(self, number: int) -> None:
        process = self.processes[number]
        if process.block is None:
            return None
        row = self.account.blocks[process.block.id]
        if row.is_closed:
            return self._lose(process)
        row.used, row.reserved, row.expires_at = process.block.used, process.block.reserved, self.now + SECONDS
        process.under_way += process.unmarked
        process.unmarked.clear()
        return None

    @rule(number=st.integers(0, 2), share=st.sampled_from(["0", "0.5", "1"]))
    def settle(self, number: int, share: str) -> None:
        process = self.processes[number]
        if process.under_way:
            amount = process.under_way.pop()
            used = amount * Decimal(share)
            self.charged += used
            if process.block is not None:
                process.block.settle(amount, used)

    @rule(number=st.integers(0, 2), close=st.booleans())
    def give_back(self, number: int, close: bool) -> None:
        process = self.processes[number]
        if process.block is None or (close and process.block.reserved):
            return
        process.block.granted = process.block.used
        if close:
            self.account.close(replace(process.block))
            process.block = None
        else:
            self.account.give_back(replace(process.block))

    @rule(number=st.integers(0, 2))
    def kill(self, number: int) -> None:
        """Calls under way are charged what was reserved: nobody hears of them any more."""
        self.charged += sum(self.processes[number].under_way, Decimal(0))
        self.processes[number] = Process()

    @rule(seconds=st.sampled_from([1.0, SECONDS + 1]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.account.close_expired(self.now)

    def _lose(self, process: Process) -> None:
        """Others closed its block. Calls that were not durable ask again; those under way stay charged to it."""
        process.block = None
        process.unmarked.clear()

    @invariant()
    def the_limit_holds(self) -> None:
        assert self.charged + self.reserved <= self.account.taken <= LIMIT

    @invariant()
    def blocks_add_up(self) -> None:
        open_blocks = sum((block.granted for block in self.account.open), Decimal(0))
        closed = sum((block.used for block in self.account.blocks.values() if block.is_closed), Decimal(0))
        assert self.account.taken == open_blocks + closed


TestRace = Race.TestCase
TestRace.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


def a_block(name: str = "a", granted: str = "0", used: str = "0", reserved: str = "0") -> Block:
    return Block(BlockId(name), Decimal(granted), Decimal(used), Decimal(reserved), SECONDS)


def test_a_lease_that_is_asked_again_is_granted_once() -> None:
    account = Account(KEY, LIMIT)

    first = account.lease(a_block(), Decimal(3), Decimal(3), 0.0, alone=False)

    assert first == account.lease(a_block(), Decimal(3), Decimal(3), 0.0, alone=False) == account.taken == 3


@pytest.mark.parametrize(
    ("least", "alone", "granted"),
    [
        pytest.param("2", True, "20", id="one that is alone takes all there is"),
        pytest.param("1.2", False, "2.4", id="one of many takes an eighth of what is free, in whole calls"),
        pytest.param("0.001", False, "0.256", id="but not far beyond what a call needs"),
        pytest.param("5", False, "5", id="and never less than it needs"),
    ],
)
def test_a_grant(least: str, alone: bool, granted: str) -> None:
    amount = Decimal(least)
    assert Account(KEY, LIMIT).lease(a_block(), amount, amount, 0.0, alone=alone) == Decimal(granted)


def test_what_others_hold_may_still_become_free_and_what_is_spent_may_not() -> None:
    account = Account(KEY, LIMIT)
    account.lease(a_block(), Decimal(15), Decimal(15), 0.0, alone=False)

    lack = account.lease(a_block("b"), Decimal(6), Decimal(6), 5.0, alone=False)

    assert isinstance(lack, Lack)
    assert not lack.is_final(Decimal(6))
    assert (lack.beyond, account.wanted_at) == (Decimal(5), 5.0)
    assert not account.refused
    account.close(a_block(granted="15", used="15"))
    spent = account.lease(a_block("b"), Decimal(6), Decimal(6), 6.0, alone=False)
    assert isinstance(spent, Lack)
    assert spent.is_final(Decimal(6))
    assert account.refused


def test_nobody_is_asked_to_give_back_what_he_lacks_himself() -> None:
    account, mine = Account(KEY, LIMIT), a_block(granted="15")
    account.lease(a_block(), Decimal(15), Decimal(15), 0.0, alone=False)

    lack = account.lease(mine, Decimal(6), Decimal(6), 5.0, alone=False)

    assert isinstance(lack, Lack)
    assert account.wanted_at == 0.0


@pytest.mark.parametrize(
    ("spent", "alerted", "crossed"),
    [
        pytest.param("9.99", 0, None, id="nothing was reached"),
        pytest.param("10", 0, 50, id="half of it"),
        pytest.param("18", 0, 80, id="the highest counts"),
        pytest.param("18", 80, None, id="nobody is told twice"),
        pytest.param("20", 80, 100, id="all of it"),
    ],
)
def test_alerts(spent: str, alerted: int, crossed: int | None) -> None:
    account = Account(KEY, LIMIT, taken=Decimal(spent), alerted=alerted)
    assert account.crossed((50, 80, 100)) == crossed


def test_a_budget_of_nothing_is_not_used_up_before_somebody_asked() -> None:
    assert Account(KEY, Decimal(0)).crossed((50, 80, 100)) is None
    assert Account(KEY, Decimal(0), taken=Decimal(1)).crossed((50, 80, 100)) == 100


def test_a_call_that_was_refused_is_the_end_of_the_budget() -> None:
    account = Account(KEY, LIMIT, taken=Decimal(17))
    account.lease(a_block(), Decimal(4), Decimal(4), 0.0, alone=False)
    assert account.crossed((50, 80, 100)) == 100

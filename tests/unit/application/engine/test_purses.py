"""Room in a budget that a call frees is the next one's: in its own process at once, in another one within about a second."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Final

import pytest

from application.budgets.keeping import KEEP_SECONDS, PATIENCE_SECONDS
from application.budgets.line import LONGEST_PAUSE, WAIT_SECONDS
from application.budgets.purse import Purse
from domain.usage import Usage
from infrastructure.store.memory.budgets import MemoryBudgetAccounts, MemoryBudgets
from tests.unit.application.engine.purses import Budgeted, Counted, begun, call, within

SOON: Final = KEEP_SECONDS + LONGEST_PAUSE + 0.1


@pytest.fixture
async def budgeted() -> AsyncIterator[Budgeted]:
    budgets = MemoryBudgets()
    async with AsyncExitStack() as stack:
        yield Budgeted(budgets, Counted(MemoryBudgetAccounts(budgets)), stack)


async def test_what_a_call_frees_the_next_one_takes_without_asking_anybody(budgeted: Budgeted) -> None:
    await budgeted.budget("b", 100)
    purse = await budgeted.process()
    first = await begun(purse, 90)
    second = call(purse, 80)
    await asyncio.sleep(5)
    asked = budgeted.accounts.asked["change"]

    purse.settle(first, Usage("m", 5, 0))
    async with within(0):
        assert await second.decided is None

    assert budgeted.accounts.asked["change"] == asked


async def test_what_a_call_frees_is_put_together_at_once_with_what_nobody_holds(budgeted: Budgeted) -> None:
    await budgeted.budget("b", 100)
    purse = await budgeted.process()
    first = await begun(purse, 60)
    second = call(purse, 80)
    await asyncio.sleep(1)
    assert not second.decided.done()

    purse.settle(first, Usage("m", 5, 0))
    async with within(0):
        assert await second.decided is None

    assert budgeted.taken() == [100 - 15]


async def test_nobody_gives_back_for_his_own_sake(budgeted: Budgeted) -> None:
    await budgeted.budget("b", 100)
    purse = await budgeted.process()
    calls = [await begun(purse, 30) for _ in range(3)]
    waiting = call(purse, 60)
    await asyncio.sleep(2 * PATIENCE_SECONDS)

    purse.settle(calls[0], Usage("m", 5, 0))
    await asyncio.sleep(2 * PATIENCE_SECONDS)
    assert not waiting.decided.done()
    purse.settle(calls[1], Usage("m", 5, 0))
    async with within(0):
        assert await waiting.decided is None


async def test_what_a_call_frees_is_another_processs_soon(budgeted: Budgeted) -> None:
    await budgeted.budget("b", 100)
    one, other = await budgeted.process(), await budgeted.process()
    first = await begun(one, 90)
    waiting = call(other, 90)
    await asyncio.sleep(20)
    assert not waiting.decided.done()

    one.settle(first, Usage("m", 5, 0))
    async with within(SOON):
        assert await waiting.decided is None


async def test_of_two_processes_that_hold_a_part_each_one_has_it_all_soon(budgeted: Budgeted) -> None:
    await budgeted.budget("b", 100)
    one, other = await budgeted.process(), await budgeted.process()
    firsts = [(one, await begun(one, 50)), (other, await begun(other, 50))]
    await asyncio.sleep(1)
    waiting = [call(one, 80), call(other, 80)]
    for purse, first in firsts:
        purse.settle(first, Usage("m", 5, 0))

    async with within(PATIENCE_SECONDS + SOON):
        await asyncio.wait([hold.decided for hold in waiting], return_when=asyncio.FIRST_COMPLETED)


async def test_a_call_leases_anew_what_another_one_took_while_it_waited_for_a_second_budget(budgeted: Budgeted) -> None:
    await budgeted.budget("a", 100, node="a")
    await budgeted.budget("w", 100, workflow="w")
    purse = await budgeted.process()
    in_the_way = await begun(purse, 90, workflow="another")
    waiting = call(purse, 50)
    await asyncio.sleep(1)
    await begun(purse, 50, node="b")

    purse.settle(in_the_way, None)
    async with within(0):
        assert await waiting.decided is None


async def test_a_call_leases_anew_what_was_given_to_another_process_while_it_waited(budgeted: Budgeted) -> None:
    await budgeted.budget("a", 100, node="a")
    await budgeted.budget("w", 100, workflow="w")
    one, other = await budgeted.process(), await budgeted.process()
    in_the_way = await begun(one, 90, workflow="another")
    waiting = call(one, 50)
    await asyncio.sleep(1)
    async with within(PATIENCE_SECONDS + SOON):
        others = await begun(other, 60, node="b")

    one.settle(in_the_way, None)
    await asyncio.sleep(1)
    other.settle(others, Usage("m", 5, 0))
    async with within(SOON):
        assert await waiting.decided is None


@pytest.mark.parametrize("frees", [80, 90])
async def test_a_call_that_needs_no_more_by_the_time_it_may_ask_asks_for_nothing(budgeted: Budgeted, frees: int) -> None:
    """Its block is just being changed when another call frees as much as it lacks; a second budget has no room yet."""
    errors: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: errors.append(told))
    await budgeted.budget("a", 100, node="a")
    await budgeted.budget("w", 100, workflow="w")
    purse = await budgeted.process()
    await begun(purse, 80, workflow="another")
    first = await begun(purse, frees, node="b")
    tills = {till.budget.name: till for till in purse.holdings.tills.values()}
    async with tills["a"].changing, tills["w"].changing:
        call(purse, 80)
        await asyncio.sleep(0)
        purse.settle(first, None)
        asked = budgeted.accounts.asked["change"]
        tills["w"].changing.release()
        await asyncio.sleep(0.1)
        await tills["w"].changing.acquire()

    assert budgeted.accounts.asked["change"] == asked
    assert errors == []


@dataclass
class Crowd:
    """Calls of random sizes at random moments, and what was charged and reserved of each budget."""

    chance: random.Random
    purses: list[Purse]
    limits: dict[str, int]
    charged: Counter[str] = field(default_factory=Counter)
    reserved: Counter[str] = field(default_factory=Counter)

    async def one(self) -> None:
        chance, purse = self.chance, self.chance.choice(self.purses)
        await asyncio.sleep(chance.uniform(0, 30))
        node, workflow, tokens = chance.choice("ab"), chance.choice("wv"), chance.randint(1, 60)
        concerned = Counter({"all": 1, "a": node == "a", "w": workflow == "w"})
        hold = call(purse, tokens, node, workflow)
        async with asyncio.timeout(WAIT_SECONDS + SOON):
            refused = await asyncio.shield(hold.decided)
        if refused is not None:
            return purse.settle(hold, None)
        self._count(concerned, reserved=tokens)
        await asyncio.sleep(chance.uniform(0, 3))
        used = min(tokens, chance.choice([0, 0, 0, 1, 2]))
        self._count(concerned, reserved=-tokens, charged=used)
        return purse.settle(hold, Usage("m", used, 0))

    def _count(self, concerned: Counter[str], *, reserved: int = 0, charged: int = 0) -> None:
        for name, times in concerned.items():
            self.reserved[name] += times * reserved
            self.charged[name] += times * charged
        assert all(self.reserved[name] + self.charged[name] <= limit for name, limit in self.limits.items())


@pytest.mark.parametrize("seed", range(12))
async def test_no_call_waits_for_ever_and_no_sum_passes_its_limit(budgeted: Budgeted, seed: int) -> None:
    limits = {"a": 100, "w": 120, "all": 150}
    await budgeted.budget("a", limits["a"], node="a")
    await budgeted.budget("w", limits["w"], workflow="w")
    await budgeted.budget("all", limits["all"])
    crowd = Crowd(random.Random(seed), [await budgeted.process() for _ in range(1 + seed % 3)], limits)

    await asyncio.gather(*(crowd.one() for _ in range(60)))
    await budgeted.stack.aclose()

    accounts = {account.key.budget: account.taken for account in budgeted.budgets.accounts.values()}
    assert accounts == crowd.charged

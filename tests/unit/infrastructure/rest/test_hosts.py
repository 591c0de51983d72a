"""A host that fails: it is not asked more and more, and then not at all for a while."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from domain.ids import TenantId
from infrastructure.tools.rest.hosts import FLOOR, RetryBudget
from tests.servers.speaker import Speaker, answer, speaking
from tests.unit.infrastructure.rest.asking import desk_at
from tests.unit.infrastructure.tool_calls import HandClock, refusal

OK = answer(b'{"done": true}', Content_Type="application/json")
BUSY = answer(b"busy", 503)


@pytest.fixture
async def here() -> AsyncIterator[Speaker]:
    async with speaking() as speaker:
        yield speaker


class TestTheBudget:
    def test_is_a_few_and_a_tenth(self) -> None:
        budget = RetryBudget(HandClock())
        for _ in range(100):
            budget.count()
        assert [budget.spend() for _ in range(25)] == [True] * 20 + [False] * 5

    def test_is_new_after_a_minute(self) -> None:
        budget = RetryBudget(clock := HandClock())
        while budget.spend():
            pass
        clock.passed += 59.9
        assert not budget.spend()
        clock.passed += 0.1
        assert budget.spend()

    async def test_keeps_an_outage_from_growing(self, here: Speaker) -> None:
        desk, here.said = desk_at(here), answer(status=429)
        tool = desk.tool({"url": here.url, "retries": {"attempts": 3, "max_seconds": 600}})
        desk.clock.sleep = no_time  # type: ignore[method-assign]
        for _ in range(50):
            assert refusal(await desk.call(tool)) == "http_429"
        assert here.connections == 50 + FLOOR + 5


async def no_time(seconds: float) -> None:
    """Waiting, in a minute that does not end."""


class TestTheCircuit:
    async def test_opens_after_ten_failures_in_a_row_and_nothing_is_sent(self, here: Speaker) -> None:
        desk, here.said = desk_at(here), BUSY
        tool = desk.tool({"url": here.url, "retries": {"attempts": 1}})
        codes = [refusal(await desk.call(tool)) for _ in range(12)]
        assert (codes, here.connections) == (["http_503"] * 10 + ["circuit_open"] * 2, 10)

    async def test_says_when_and_closes_with_the_first_success(self, here: Speaker) -> None:
        desk, here.said = desk_at(here), BUSY
        tool = desk.tool({"url": here.url, "retries": {"attempts": 1}})
        for _ in range(10):
            await desk.call(tool)
        desk.clock.passed += 10
        error = (await desk.call(tool)).error
        assert error is not None
        assert (error.code, error.retryable, error.retry_after) == ("circuit_open", True, 20.0)
        desk.clock.passed += 20
        here.said = OK
        assert [(await desk.call(tool)).success for _ in range(2)] == [True, True]

    @pytest.mark.parametrize("status", [404, 429])
    async def test_is_not_opened_by_answers(self, here: Speaker, status: int) -> None:
        desk, here.said = desk_at(here), answer(status=status)
        tool = desk.tool({"url": here.url, "retries": {"attempts": 1}})
        assert {refusal(await desk.call(tool)) for _ in range(12)} == {f"http_{status}"}

    async def test_is_shared_by_the_tools_of_a_host_and_by_no_other_tenant(self, here: Speaker) -> None:
        desk, here.said = desk_at(here), BUSY
        one, other = (desk.tool({"url": f"{here.url}/{path}", "retries": {"attempts": 1}}) for path in "ab")
        for _ in range(10):
            await desk.call(one)
        assert refusal(await desk.call(other)) == "circuit_open"
        desk.context = replace(desk.context, tenant=TenantId("another"))
        assert refusal(await desk.call(other)) == "http_503"

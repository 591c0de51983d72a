"""Servers that die, and what becomes of calls."""

import asyncio
import os
import signal

import pytest

from tests.integration.mcp.house import CONTEXT, Household, answer, eventually, refusal, within


async def test_a_call_of_what_only_reads_is_made_again_when_the_server_dies_in_it(house: Household) -> None:
    await house.open(hand=house.by_hand(effects={"*": "none"}))

    assert answer(await house.call("hand__die")) == "alive"
    assert house.calls() == ["die", "die"]
    assert (await house.health()).restarts == 1


async def test_a_call_that_is_made_at_most_once_ends_unknown_when_the_server_dies_in_it(house: Household) -> None:
    await house.open(hand=house.by_hand())

    result = await house.call("hand__die")

    assert (refusal(result), result.unknown) == ("tool_died", True)
    assert house.calls() == ["die"]
    assert "SIGKILL" in (result.error.message if result.error else "")
    assert answer(await house.call("hand__echo", text="back")) == "back"


async def test_tools_of_a_server_that_is_down_stay_and_a_call_waits_for_it(house: Household) -> None:
    servers = await house.open(hand=house.by_hand())
    os.kill(house.pids()[0], signal.SIGKILL)
    await eventually(lambda: servers._servers["hand"].connection.state == "down")

    assert "hand__echo" in servers.tools()
    assert answer(await house.call("hand__echo", text="again")) == "again"
    assert len(house.pids()) == 2


async def test_a_server_that_is_not_back_in_time_is_unavailable_and_known_to_have_done_nothing(house: Household) -> None:
    await house.open(hand=house.by_hand())
    await house.servers.close()
    await house.open(hand=house.by_hand("exit"))

    result = await house.call("hand__echo", within(0.3), text="x")

    assert (refusal(result), result.unknown) == ("server_unavailable", False)
    assert result.error is not None
    assert result.error.retryable
    assert "exit code 3" in result.error.message


async def test_a_server_that_is_known_is_connected_to_when_it_is_called_first(house: Household) -> None:
    await house.open(hand=house.by_hand())
    await house.servers.close()
    servers = await house.open(hand=house.by_hand())

    assert "hand__echo" in servers.tools()
    assert len(house.pids()) == 1

    assert answer(await house.call("hand__echo", text="now")) == "now"
    assert len(house.pids()) == 2


async def test_a_server_that_keeps_dying_is_tried_ever_less_eagerly(house: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    again = asyncio.Event()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 4:
            again.set()
            await asyncio.Event().wait()

    monkeypatch.setattr("infrastructure.clock.SystemClock.sleep", staticmethod(sleep))
    await house.open(hand=house.by_hand("exit"))

    async with asyncio.timeout(10):
        await again.wait()

    assert [0.5 * 2**number * 0.5 <= seconds <= 0.5 * 2**number for number, seconds in enumerate(slept)] == [True] * 4


async def test_a_server_that_does_not_answer_a_ping_is_started_again(house: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infrastructure.tools.mcp.connection.PING_SECONDS", 0.02)
    monkeypatch.setattr("infrastructure.tools.mcp.process.PATIENCE_SECONDS", 0.1)
    await house.open(hand=house.by_hand(start_seconds=0.5))
    await eventually(lambda: "ping" in house.calls())

    os.kill(house.pids()[0], signal.SIGSTOP)

    await eventually(lambda: len(house.pids()) == 2)
    await eventually(lambda: not _is_there(house.pids()[0]))
    assert answer(await house.call("hand__echo", CONTEXT, text="new")) == "new"


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True

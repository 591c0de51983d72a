"""Servers that are none: bounded, said, and gone with everything they started."""

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from infrastructure.tools.mcp import process as processes
from infrastructure.tools.mcp.connection import KeptConnection
from tests.integration.mcp.house import Household, answer, eventually, refusal

QUICK = 0.15


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "PATIENCE_SECONDS", QUICK)


@pytest.mark.parametrize(
    ("way", "said"),
    [
        pytest.param("exit", "it ended with exit code 3", id="ends at once"),
        pytest.param("hang", "no answer within 3 seconds", id="says nothing"),
        pytest.param("flood", "a line is longer than 8,388,608 bytes", id="a line without an end"),
        pytest.param("junk", "more than 1,048,576 bytes that are no messages", id="what is no message, and no text"),
        pytest.param("questions", "it asked more than 100 questions at once", id="questions and questions"),
    ],
)
async def test_whoever_is_no_server_is_left_with_a_reason(house: Household, way: str, said: str) -> None:
    servers = await house.open(hand=house.by_hand(way, start_seconds=3))
    await eventually(lambda: servers._servers["hand"].connection.last_error != "")

    assert said in servers._servers["hand"].connection.last_error
    await eventually(lambda: not is_there(house.pids()[0]))


async def test_a_server_that_takes_long_to_start_holds_up_the_first_who_looks_and_nobody_after(
    house: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    async def first_try(kept: KeptConnection, seconds: float) -> None:
        waits.append(seconds)
        await waiting(kept, 0.01 if len(waits) == 1 else 30)

    waiting = KeptConnection.first_try
    monkeypatch.setattr(KeptConnection, "first_try", first_try)

    servers = await house.open(hand=house.by_hand("hang"))
    async with asyncio.timeout(5):
        await servers.look()

    assert waits == [5.0, 5.0]


async def test_a_little_junk_before_the_first_message_is_passed_over(house: Household) -> None:
    await house.open(hand=house.by_hand("a little junk"))

    assert answer(await house.call("hand__echo", text="x")) == "x"


async def test_what_it_says_on_its_standard_error_is_logged_within_bounds(house: Household, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "infrastructure")
    await house.open(hand=house.by_hand("chatter"))

    assert answer(await house.call("hand__echo", text="x")) == "x"
    lines = [record.getMessage() for record in caplog.records if "line " in record.getMessage()]

    assert len(lines) == 50
    assert not any("\x1b" in line for line in lines)


async def test_an_answer_of_more_than_a_message_may_hold_ends_the_connection_and_not_the_process(house: Household) -> None:
    await house.open(hand=house.by_hand())

    result = await house.call("hand__long", size=9 * 1024 * 1024)

    assert (refusal(result), result.unknown) == ("tool_died", True)
    assert answer(await house.call("hand__echo", text="x")) == "x"


async def test_tools_that_cannot_be_used_cost_themselves_only(house: Household) -> None:
    servers = await house.open(hand=house.by_hand("bad tools"))

    assert "hand__echo" in servers.tools()
    assert not {"hand__long_one", "hand__wrong"} & set(servers.tools())


async def test_input_is_closed_then_it_is_asked_then_killed(house: Household) -> None:
    await house.open(hand=house.by_hand("stays"))
    (pid,) = house.pids()
    began = time.monotonic()

    await house.servers.close()

    assert house.calls() == ["end of input", "SIGTERM"]
    assert not is_there(pid)
    assert 2 * QUICK <= time.monotonic() - began < 2 * QUICK + 2


async def test_a_server_that_ends_when_its_input_does_is_not_asked(house: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "PATIENCE_SECONDS", 10.0)
    signals: list[tuple[int, int]] = []

    def killpg(pid: int, number: int) -> None:
        signals.append((pid, number))
        os.kill(pid, number)

    monkeypatch.setattr(os, "killpg", killpg)
    await house.open(hand=house.by_hand())

    await house.servers.close()

    assert {number for _, number in signals} == {0}


async def test_what_it_started_goes_with_it(house: Household) -> None:
    await house.open(hand=house.by_hand("forks"))
    child = int((house.folder / "child").read_text())
    assert is_running(child)

    os.kill(house.pids()[0], signal.SIGKILL)

    await eventually(lambda: not is_running(child))
    assert answer(await house.call("hand__echo", text="a new one")) == "a new one"


async def test_a_stop_that_is_cancelled_leaves_no_process(house: Household) -> None:
    await house.open(hand=house.by_hand("stays"))
    keeping = house.servers._servers["hand"].connection._task
    assert keeping is not None
    keeping.cancel()
    await eventually(lambda: "end of input" in house.calls())

    keeping.cancel()
    await asyncio.wait([keeping])

    assert not is_there(house.pids()[0])


async def test_servers_that_come_and_go_leave_nothing_open(house: Household) -> None:
    await house.open(hand=house.by_hand())
    await house.servers.close()
    before = open_files()

    for _ in range(20):
        await house.open(**house.parts)
        await house.call("hand__echo", text="x")
        os.kill(house.pids()[-1], signal.SIGKILL)
        await house.servers.close()

    assert open_files() <= before + 1
    assert len(house.pids()) == 21
    assert not any(is_there(pid) for pid in house.pids())


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def is_there(pid: int) -> bool:
    """Running, or a zombie that nobody has waited for."""
    return Path(f"/proc/{pid}").exists()


def is_running(pid: int) -> bool:
    """A zombie of somebody else's is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False

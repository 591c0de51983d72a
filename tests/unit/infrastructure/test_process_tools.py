"""Tools that compute for long, in processes that can be stopped."""

import asyncio
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from domain.declaring import tool
from domain.ids import RunId
from domain.ports.tools import ToolContext
from tests.servers.until import until
from tests.unit.infrastructure.tool_calls import CONTEXT, tools_with


@tool(in_process=True)
def spin(file: str) -> int:
    """Computes for ever, and shows that it still does."""
    while True:
        with Path(file).open("a") as shown:
            shown.write("x")
        time.sleep(0.01)


@tool(in_process=True)
def whereabouts(add: int) -> dict[str, int]:
    """Tells in which process it runs."""
    return {"pid": os.getpid(), "sum": add + 1}


@tool(in_process=True)
def die() -> int:
    """Takes its process with it."""
    os._exit(3)


async def test_it_runs_in_another_process() -> None:
    result = await tools_with(whereabouts).call("whereabouts", {"add": 2}, CONTEXT)

    assert isinstance(result.output, dict), result.error
    assert result.output["sum"] == 3
    assert result.output["pid"] != os.getpid()


async def test_a_process_for_which_nobody_waits_any_more_is_stopped(tmp_path: Path) -> None:
    file = tmp_path / "shown"
    calling = asyncio.create_task(tools_with(spin).call("spin", {"file": str(file)}, CONTEXT))
    await asyncio.to_thread(until, file.exists, "the tool at work")
    calling.cancel()
    await asyncio.wait([calling])

    def stands_still() -> bool:
        size = file.stat().st_size
        time.sleep(0.2)
        return file.stat().st_size == size

    await asyncio.to_thread(until, stands_still, "the tool stopped")

    assert stands_still()


async def test_a_process_that_dies_is_a_failure_of_its_tool() -> None:
    result = await tools_with(die).call("die", {}, CONTEXT)

    assert result.error is not None
    assert result.error.code == "tool_died"


@tool(in_process=True)
def work(file: str, context: ToolContext) -> str:
    """Tells how far it is, and goes on when it was heard."""
    context.tell("\x1bhalf" + "x" * 9_000)
    context.logger.warning("at %s", "work" + "y" * 9_000)
    deadline = time.monotonic() + 20
    while not Path(file).exists() and time.monotonic() < deadline:
        time.sleep(0.005)
    return context.idempotency_key


async def test_it_is_heard_while_it_works_and_logs_with_its_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    heard: list[str] = []
    context = replace(CONTEXT, run=RunId("r"), activation="/n#1", tell=heard.append)
    calling = asyncio.create_task(tools_with(work).call("work", {"file": str(tmp_path / "go")}, context))
    await asyncio.to_thread(until, lambda: heard and caplog.records, "the tool is heard")
    (tmp_path / "go").touch()
    result = await calling

    assert result.output == CONTEXT.idempotency_key
    assert heard[0].startswith("\ufffdhalfxxx")
    assert 1_000 < len(heard[0]) < 4096
    (line,) = caplog.records
    assert (line.name, line.levelname, line.__dict__["tool"], line.__dict__["run"]) == ("weft.tools.work", "WARNING", "work", "r")
    assert line.getMessage().startswith("at workyyy")
    assert len(line.getMessage()) <= 2_000


@tool(in_process=True)
def vast() -> str:
    """Returns far too much."""
    return "x" * 100_000_000


async def test_what_is_far_too_large_does_not_leave_its_process() -> None:
    result = await tools_with(vast).call("vast", {}, CONTEXT)

    assert result.error is not None
    assert (result.error.code, result.unknown) == ("output_too_large", True)
    assert "out of a process" in result.error.message

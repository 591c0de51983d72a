"""Tools that compute for long, in processes that can be stopped."""

import asyncio
import os
import time
from pathlib import Path

from domain.declaring import tool
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


async def test_a_process_that_dies_is_a_failure_of_its_tool() -> None:
    result = await tools_with(die).call("die", {}, CONTEXT)

    assert result.error is not None
    assert result.error.code == "tool_died"

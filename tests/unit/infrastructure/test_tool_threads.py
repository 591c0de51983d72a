"""Plain functions run in threads that nobody has to wait for."""

import asyncio
import subprocess
import sys
import threading
from contextvars import ContextVar

import pytest

from infrastructure.tools.threads import SpareThreads, in_a_spare_thread
from tests.architecture.places import SRC

HANGS = """
import asyncio, threading
from dataclasses import replace
from infrastructure.clock import SystemClock
from infrastructure.schemas import JsonSchemas
from infrastructure.tools.calling import CheckedTool
from infrastructure.tools.native import native_tool
from domain.ids import TenantId
from domain.ports.tools import ToolContext

def hang() -> None:
    threading.Event().wait()

async def main() -> None:
    found = CheckedTool.of(native_tool(hang), JsonSchemas())
    result = await found.call({}, ToolContext(TenantId("t"), "key", deadline_seconds=0.05), SystemClock())
    print(result.error.code)

asyncio.run(main())
"""
VARIABLE: ContextVar[str] = ContextVar("VARIABLE")


def test_a_tool_that_hangs_does_not_hold_up_the_end_of_the_process() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HANGS], env={"PYTHONPATH": str(SRC)}, capture_output=True, text=True, timeout=30, check=True
    )

    assert done.stdout == "timeout\n"


async def test_threads_are_used_again() -> None:
    threads = SpareThreads()
    seen = {await in_a_spare_thread(threading.get_ident, threads)() for _ in range(20)}

    assert len(seen) <= 2  # the answer may come before its thread is idle again
    assert threading.get_ident() not in seen


async def test_as_many_run_at_once_as_there_may_be_threads_and_the_others_take_their_turns() -> None:
    threads, together, opened = SpareThreads(3), threading.Semaphore(0), threading.Event()

    def work() -> int:
        together.release()
        opened.wait(20)
        return threading.get_ident()

    calls = [asyncio.ensure_future(in_a_spare_thread(work, threads)()) for _ in range(8)]
    for _ in range(3):
        assert await asyncio.to_thread(together.acquire, timeout=20)
    assert not together.acquire(blocking=False)
    opened.set()

    assert len(set(await asyncio.gather(*calls))) == 3


async def test_it_has_the_callers_variables_and_what_it_raises_is_raised() -> None:
    VARIABLE.set("mine")
    assert await in_a_spare_thread(VARIABLE.get)() == "mine"

    for raised in (KeyError("x"), SystemExit(3), StopIteration(1)):

        def fails(raised: BaseException = raised) -> None:
            raise raised

        with pytest.raises((KeyError, SystemExit, RuntimeError)):
            await in_a_spare_thread(fails)()


async def test_an_answer_that_nobody_waits_for_any_more_is_let_go() -> None:
    opened = threading.Event()
    calling = asyncio.ensure_future(in_a_spare_thread(opened.wait)(20))
    await asyncio.sleep(0)
    calling.cancel()
    await asyncio.wait([calling])
    opened.set()

    assert await in_a_spare_thread(lambda: 7)() == 7

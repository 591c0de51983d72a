"""Plain functions run in threads that nobody has to wait for."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from domain.ids import DEFAULT_TENANT
from domain.json import Json
from domain.ports.tools import ToolContext
from domain.tool import Effects, Tool, ToolMetadata, ToolType
from domain.usage import Money
from infrastructure.schemas import JsonSchemas
from infrastructure.tools.builtin import builtin_tools
from infrastructure.tools.calling import CheckedTool
from infrastructure.tools.runnable import RunnableTool
from infrastructure.tools.threads import SpareThreads, in_a_spare_thread
from tests.architecture.places import SRC
from tests.unit.infrastructure.tool_calls import CONTEXT, HandClock

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

    assert len(seen) < 10  # an answer may come before its thread is idle again
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


@dataclass
class Shop:
    """One thread, which a call of another tool holds until `opened`."""

    threads: SpareThreads = field(default_factory=lambda: SpareThreads(1, 1))
    opened: threading.Event = field(default_factory=threading.Event)
    charged: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def busy(self) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        holding = asyncio.ensure_future(in_a_spare_thread(self.opened.wait, self.threads)(20))
        await asyncio.sleep(0)
        try:
            yield in_a_spare_thread(lambda: self.charged.append("charged"), self.threads)
        finally:
            self.opened.set()
            await asyncio.wait([holding])
        await in_a_spare_thread(lambda: None, self.threads)()  # comes after all that waited


async def test_a_call_that_waits_for_its_turn_and_whose_caller_has_gone_is_never_begun() -> None:
    shop = Shop()
    async with shop.busy() as charge:
        waiting = asyncio.ensure_future(charge())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])

    assert shop.charged == []


async def test_a_call_whose_time_ends_before_it_began_is_known_not_to_have_been_made() -> None:
    shop = Shop()
    async with shop.busy() as charge:

        async def run(arguments: dict[str, Json], context: ToolContext) -> None:
            await charge()

        tool = Tool("charge", ToolType.NATIVE, {"type": "object"}, ToolMetadata("Charges."), {}, Effects.ONCE, cost=Money(Decimal(1)))
        found = CheckedTool.of(RunnableTool(tool, run), JsonSchemas())
        result = await found.call({}, ToolContext(DEFAULT_TENANT, "key", deadline_seconds=0.05), HandClock())

    assert result.error is not None
    assert (result.error.code, result.error.retryable, result.unknown, result.cost) == ("no_thread", True, False, None)
    assert shop.charged == []


async def test_calls_of_one_function_leave_threads_to_others() -> None:
    threads, opened = SpareThreads(4, 4), threading.Event()
    hang = in_a_spare_thread(opened.wait, threads, most=3)
    hanging = [asyncio.ensure_future(hang(20)) for _ in range(9)]
    await asyncio.sleep(0)

    assert await in_a_spare_thread(lambda: 7, threads)() == 7
    opened.set()
    assert await asyncio.gather(*hanging) == [True] * 9


async def test_calls_that_hang_and_that_nobody_waits_for_hold_up_no_others() -> None:
    threads, opened = SpareThreads(2, 5), threading.Event()
    for _ in range(2):
        hanging = [asyncio.ensure_future(in_a_spare_thread(opened.wait, threads)(20)) for _ in range(2)]
        await asyncio.sleep(0)
        for one in hanging:
            one.cancel()
        await asyncio.wait(hanging)

    assert await in_a_spare_thread(lambda: 7, threads)() == 7
    opened.set()


async def test_functions_whose_calls_wait_take_turns() -> None:
    shop, came = Shop(), list[str]()
    async with shop.busy():
        many, few = (in_a_spare_thread(came.append, shop.threads) for _ in range(2))
        calls = [asyncio.ensure_future(call(name)) for call, name in ((many, "many"), (many, "many"), (many, "many"), (few, "few"))]
        await asyncio.sleep(0)
        shop.opened.set()
        await asyncio.gather(*calls)

    assert came == ["many", "few", "many", "many"]


@pytest.mark.parametrize("name", ["calculator", "datetime", "json_query", "text_search"])
async def test_builtin_tools_need_no_thread_of_the_event_loops_own(name: str) -> None:
    """Names are looked up there, among other things."""
    found = next(CheckedTool.of(one, JsonSchemas()) for one in builtin_tools(HandClock()) if one.tool.name == name)
    loop, opened = asyncio.get_running_loop(), threading.Event()
    loop.set_default_executor(ThreadPoolExecutor(1))
    held = loop.run_in_executor(None, opened.wait, 20)
    arguments: Any = {"expression": "2 ** 3"} if name == "calculator" else found.tool.examples[0]["arguments"]

    result = await found.call(arguments, CONTEXT, HandClock())
    opened.set()
    await held

    assert result.error is None

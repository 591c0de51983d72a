"""What a caller of the protocol is told, and what becomes of words and errors that nobody takes any more."""

import asyncio
import gc
from collections.abc import AsyncIterator
from threading import Thread
from typing import Any, cast

import pytest

from application.access import local_admin
from application.desk import Desk
from application.views import ErrorView, ToolResultView
from domain.errors import DatabaseError
from interface.mcp import results, telling
from interface.mcp.calls import Call, Calls
from interface.mcp.telling import told_on
from interface.mcp.watching import Watch

STEERS = "a\x1b]0;evil\x07b\r\nc\td\u202ee"


def result(output: Any = None, error: str = "") -> ToolResultView:
    failure = ErrorView(code="bad", message=error, node="", attempt=0) if error else None
    return ToolResultView(success=not error, output=output, error=failure, execution_time=0.0, token_usage=None, cost=None)


@pytest.mark.parametrize(
    ("told", "text"),
    [
        pytest.param(result(STEERS), "a\ufffd]0;evil\ufffdb\nc\td\ufffde", id="a text"),
        pytest.param(result(error=STEERS), "bad: a\ufffd]0;evil\ufffdb\nc\td\ufffde", id="an error"),
        pytest.param(result({"a": "x\u202e\x9b"}), '{"a": "x\ufffd\ufffd"}', id="an object"),
    ],
)
def test_nothing_that_a_tool_says_steers_a_terminal(told: ToolResultView, text: str) -> None:
    assert cast(Any, results.of_tool(told).content[0]).text == text


def test_structured_content_is_what_the_tool_returned() -> None:
    assert results.of_tool(result({"a": STEERS})).structured_content == {"a": STEERS}


async def heard(progress: Any, *words: str) -> None:
    async with told_on(progress) as tell:
        for word in words:
            tell(word)


async def test_what_is_said_last_is_told_before_the_call_ends() -> None:
    told: list[str] = []

    async def progress(number: float, text: str) -> None:
        told.append(text)

    await heard(progress, "one", "two\x1b")

    assert told == ["one", "two\ufffd"]


async def test_a_caller_that_cannot_be_told_costs_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "LAST_SECONDS", 600.0)

    tried: list[str] = []

    async def progress(number: float, text: str) -> None:
        tried.append(text)
        raise ConnectionError("gone")

    async with asyncio.timeout(5):
        await heard(progress, "one", "two")

    assert tried == ["one"], "who is gone is told nothing more"


def test_a_thread_that_speaks_when_all_is_over_is_not_disturbed() -> None:
    kept: list[Any] = []

    async def call() -> None:
        async with told_on(cast(Any, lambda number, text: asyncio.sleep(0))) as tell:
            kept.append(tell)

    asyncio.run(call())
    raised: list[BaseException] = []

    def speak() -> None:
        try:
            kept[0]("late")
        except BaseException as error:
            raised.append(error)

    thread = Thread(target=speak)
    thread.start()
    thread.join()
    assert raised == []


@pytest.fixture
async def unheard() -> AsyncIterator[list[dict[str, Any]]]:
    """What the loop complains of: errors that nobody took."""
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, about: complaints.append(about))
    yield complaints
    asyncio.get_running_loop().set_exception_handler(None)


async def test_a_start_goes_on_without_its_caller_and_its_error_troubles_nobody(unheard: list[dict[str, Any]]) -> None:
    started, goes_on, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    class Stub:
        async def start_run(self, *_: object) -> None:
            started.set()
            await goes_on.wait()
            ended.set()
            raise DatabaseError("away")

    who, desk = local_admin("default"), cast(Desk, Stub())
    calls = Calls(desk, who, Watch(desk, who, asyncio.Event()), 1.0)
    calling = asyncio.create_task(calls._run("run_x", "x", {}, Call()))
    await started.wait()
    calling.cancel()
    await asyncio.gather(calling, return_exceptions=True)
    del calling
    gc.collect()
    goes_on.set()
    await ended.wait()
    await asyncio.sleep(0)
    gc.collect()

    assert unheard == []

"""A deadline for work that may end in its first step, and for work that waits."""

import asyncio

import pytest

from infrastructure.tools.deadlines import Late, in_time

LONG = 60.0


class Work:
    """Waits for `go`; `ends` says how it came to its end."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.began = asyncio.Event()
        self.ends: list[str] = []

    async def __call__(self) -> str:
        self.began.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.ends.append("cancelled")
            raise
        self.ends.append("done")
        return "done"


async def at_once() -> int:
    return 7


async def wrong_at_once() -> int:
    raise KeyError("x")


async def impatient() -> int:
    async with asyncio.timeout(0.001):
        await asyncio.Event().wait()
    return 0


async def test_what_ends_in_its_first_step_needs_no_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncio, "timeout_at", None)

    assert await in_time(at_once(), LONG) == 7
    with pytest.raises(KeyError):
        await in_time(wrong_at_once(), LONG)


@pytest.mark.parametrize("seconds", [LONG, None])
async def test_what_waits_goes_on_to_its_end(seconds: float | None) -> None:
    work = Work()
    waiting = asyncio.create_task(in_time(work(), seconds))
    await work.began.wait()
    work.go.set()

    assert await waiting == "done"


async def test_what_does_not_end_in_time_is_cancelled() -> None:
    work = Work()
    with pytest.raises(Late):
        await in_time(work(), 0.01)

    assert work.ends == ["cancelled"]


async def test_a_timeout_of_the_works_own_is_its_own() -> None:
    with pytest.raises(TimeoutError):
        await in_time(impatient(), LONG)


async def test_being_cancelled_reaches_the_work() -> None:
    work = Work()
    waiting = asyncio.create_task(in_time(work(), LONG))
    await work.began.wait()
    await asyncio.sleep(0)
    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert work.ends == ["cancelled"]


async def test_work_that_does_not_heed_its_cancellation_is_heard_when_it_ends() -> None:
    async def stubborn() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)
        return "late"

    assert await in_time(stubborn(), 0.01) == "late"


async def test_a_future_is_waited_for_like_a_coroutine() -> None:
    answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    answer.set_result(3)

    assert await in_time(answer, LONG) == 3


async def test_work_keeps_the_task_it_began_in() -> None:
    async def tasks() -> tuple[object, object]:
        before = asyncio.current_task()
        await asyncio.sleep(0.001)
        return before, asyncio.current_task()

    before, after = await in_time(tasks(), LONG)

    assert before is after is asyncio.current_task()

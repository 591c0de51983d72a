"""Threads for code that may hang: nobody waits for them, neither other tools nor the end of the process."""

import asyncio
import contextvars
import threading
from collections.abc import Awaitable, Callable
from functools import partial, wraps
from queue import SimpleQueue
from typing import Final, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
MOST: Final = 64
"""A call beyond so many at once waits for its turn. One that hangs keeps its thread until the process ends."""


class SpareThreads:
    """Made when they are needed first, and used again."""

    def __init__(self, most: int = MOST) -> None:
        self._most, self._threads, self._idle = most, 0, 0
        self._work: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._counting = threading.Lock()

    def submit(self, work: Callable[[], None]) -> None:
        """`work` raises nothing."""
        with self._counting:
            wanted = self._idle == 0 and self._threads < self._most
            self._threads += wanted
            self._idle -= not wanted
        self._work.put(work)
        if wanted:
            threading.Thread(target=self._serve, name="tool", daemon=True).start()

    def _serve(self) -> None:
        while True:
            self._work.get()()
            with self._counting:
                self._idle += 1


SPARE: Final = SpareThreads()


def in_a_spare_thread(function: Callable[P, R], threads: SpareThreads = SPARE) -> Callable[P, Awaitable[R]]:
    """A plain function as a coroutine function. A caller that stops waiting does not stop it."""

    @wraps(function)
    async def run(*args: P.args, **kwargs: P.kwargs) -> R:
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        call = partial(contextvars.copy_context().run, function, *args, **kwargs)
        threads.submit(partial(_answered, call, answer))
        return await answer

    return run


def _answered(call: Callable[[], R], answer: "asyncio.Future[R]") -> None:
    try:
        told = partial(answer.set_result, call())
    except StopIteration as error:
        # A future cannot carry it: whoever waits for the thread would wait for ever.
        told = partial(answer.set_exception, RuntimeError(f"StopIteration: {error}"))
    except BaseException as error:  # leaving the process is the caller's to refuse
        told = partial(answer.set_exception, error)
    try:
        answer.get_loop().call_soon_threadsafe(lambda: None if answer.done() else told())
    except RuntimeError:  # the loop is closed, and nobody waits
        return

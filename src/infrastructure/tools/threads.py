"""Threads for code that may hang: nobody waits for them, neither other tools nor the end of the process."""

import asyncio
import contextvars
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial, wraps
from queue import SimpleQueue
from typing import Final, ParamSpec, TypeVar

from domain.errors import ToolError
from infrastructure.tools.deadlines import begin_by

P = ParamSpec("P")
R = TypeVar("R")
MOST: Final = 64
"""Calls at once that somebody waits for; one beyond waits for its turn."""
MOST_OF_ONE: Final = 16
"""Calls at once of one function, those included that nobody waits for any more: one that hangs holds up no other."""
MOST_THREADS: Final = 512
"""Those included that hang; each of these is there until the process ends."""


@dataclass(slots=True, eq=False)
class Turns:
    """The calls of one function: how many are at work, and which wait, in order."""

    most: int = MOST_OF_ONE
    at_work: int = 0
    waiting: "OrderedDict[Job, None]" = field(default_factory=OrderedDict)

    def has_next(self) -> bool:
        return bool(self.waiting) and self.at_work < self.most


@dataclass(slots=True, eq=False)
class Job:
    """One call. `work` raises nothing. `counts` to the calls that somebody waits for, and have a thread."""

    turns: Turns
    work: Callable[[], None]
    counts: bool = False
    has_begun: bool = False
    is_left: bool = False


class SpareThreads:
    """Made when they are needed first, and used again. Functions whose calls wait take turns."""

    def __init__(self, most: int = MOST, most_threads: int = MOST_THREADS) -> None:
        self._most, self._most_threads = most, most_threads
        self._counted, self._threads, self._idle = 0, 0, 0
        self._ready: OrderedDict[Turns, None] = OrderedDict()
        self._work: SimpleQueue[Job] = SimpleQueue()
        self._lock = threading.Lock()

    def submit(self, job: Job) -> bool:
        """False: it waits for its turn."""
        with self._lock:
            job.turns.waiting[job] = None
            self._hand_out(job.turns)
            return job.counts

    def leave(self, job: Job) -> None:
        """Nobody waits for it any more: when it has not begun, it never will."""
        with self._lock:
            self._leave(job)

    def withdraw(self, job: Job) -> bool:
        """True: it has not begun, and never will."""
        with self._lock:
            if not job.has_begun:
                self._leave(job)
            return job.is_left

    def _leave(self, job: Job) -> None:
        job.is_left = True
        job.turns.waiting.pop(job, None)
        self._uncount(job)
        self._hand_out(job.turns)

    def _serve(self) -> None:
        while True:
            job = self._work.get()
            if self._may_begin(job):
                job.work()
            self._end(job)
            del job  # what it holds is let go of while the thread waits for the next

    def _may_begin(self, job: Job) -> bool:
        with self._lock:
            job.has_begun = not job.is_left
            return job.has_begun

    def _end(self, job: Job) -> None:
        with self._lock:
            self._idle += 1
            job.turns.at_work -= 1
            self._uncount(job)
            self._hand_out(job.turns)

    def _uncount(self, job: Job) -> None:
        self._counted -= job.counts
        job.counts = False

    def _hand_out(self, changed: Turns) -> None:
        self._offer(changed)
        while self._ready and self._counted < self._most and self._takes_a_thread():
            turns, _ = self._ready.popitem(last=False)
            job, _ = turns.waiting.popitem(last=False)
            turns.at_work += 1
            self._counted += 1
            job.counts = True
            self._offer(turns)
            self._work.put(job)

    def _offer(self, turns: Turns) -> None:
        if turns.has_next():
            self._ready[turns] = None
        else:
            self._ready.pop(turns, None)

    def _takes_a_thread(self) -> bool:
        if self._idle:
            self._idle -= 1
            return True
        if self._threads >= self._most_threads:
            return False
        try:
            threading.Thread(target=self._serve, name="tool", daemon=True).start()
        except RuntimeError:  # the machine has no more
            return False
        self._threads += 1
        return True


SPARE: Final = SpareThreads()


def in_a_spare_thread(function: Callable[P, R], threads: SpareThreads = SPARE, most: int = MOST_OF_ONE) -> Callable[P, Awaitable[R]]:
    """A plain function as a coroutine function, of which `most` calls are at work at once.

    A caller that stops waiting does not stop one that has begun; any other never begins. `ToolError` `no_thread` for one that has not begun
    when it had to.
    """
    turns = Turns(most)

    @wraps(function)
    async def run(*args: P.args, **kwargs: P.kwargs) -> R:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[R] = loop.create_future()
        call = partial(contextvars.copy_context().run, function, *args, **kwargs)
        job = Job(turns, partial(_answered, call, answer))
        until = None if threads.submit(job) else begin_by()
        alarm = None if until is None else loop.call_at(until, _give_up, threads, job, answer)
        try:
            return await answer
        except asyncio.CancelledError:
            threads.leave(job)
            raise
        finally:
            if alarm is not None:
                alarm.cancel()

    return run


def _give_up(threads: SpareThreads, job: Job, answer: "asyncio.Future[R]") -> None:
    if not answer.done() and threads.withdraw(job):
        message = "it was not called: its other calls, or those of others, had all threads until its time was over"
        answer.set_exception(ToolError(message, "no_thread", retryable=True))


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

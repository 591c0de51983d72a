"""What keeps each promise, taken away from outside: then the checker must find the promise broken, or it looks at nothing."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Guard:
    """`keeps`: the promise of the checker that breaks without it."""

    what: str
    keeps: str
    remove: Callable[[], None]


def no_epoch() -> None:
    """Appends are taken whoever holds the thread, and a worker does not listen when it hears that it lost its lease."""
    from application.working import Worker
    from infrastructure.store.postgres import appends

    appends._HEADS = _with(appends._HEADS, "h.epoch = w.epoch", "w.epoch > 0")
    appends._ALONE = _with(appends._ALONE, "held.epoch = $4", "$4::bigint > 0")
    Worker._lost = lambda self, leases: None  # type: ignore[method-assign]


def no_mark() -> None:
    """The key of a start is forgotten."""
    from application.runs import StartRun

    asked = StartRun.__call__
    StartRun.__call__ = lambda self, who, order, key=None: asked(self, who, order, None)  # type: ignore[method-assign]


def no_commit_before_the_answer() -> None:
    """A start is acknowledged while its commit is still to come."""
    from domain.ports.repositories import NewRun, Started
    from infrastructure.store.postgres.runs import PostgresStarts

    commit = PostgresStarts.start

    async def later(self: PostgresStarts, new: NewRun) -> None:
        await asyncio.sleep(0.2)
        await commit(self, new)

    async def start(self: PostgresStarts, new: NewRun) -> Started:
        task = asyncio.ensure_future(later(self, new))
        _KEPT.add(task)
        return Started(new.run, fresh=True)

    PostgresStarts.start = start  # type: ignore[method-assign]


def no_stable_key() -> None:
    """A tool gets another key each time."""
    from domain.ports.nodes import NodeContext

    NodeContext.idempotency_key = lambda self, effect=0: secrets.token_hex(8)  # type: ignore[method-assign]


def no_durable_rows_before_effects() -> None:
    """Nothing is written before the end of a run, also not before a tool touches the world."""
    from application.drive import Drive
    from application.engine import Engine

    async def keep(self: Engine, drive: Drive) -> None:
        drive.rows_first = False
        if drive.lines_first:
            drive.lines_first = False
            await drive.append_reserved()

    Engine._keep = keep  # type: ignore[method-assign]
    Drive.is_durable = property(lambda self: True)  # type: ignore[method-assign, assignment]


def no_resuming() -> None:
    """A reader that comes back gets everything again."""
    from application.following import FollowRun

    batches = FollowRun._batches
    FollowRun._batches = lambda self, run, after, slow: batches(self, run, type(after)(0), slow)  # type: ignore[method-assign]


def no_intent() -> None:
    """A tool that may be called once is treated like one that may be called again."""
    from infrastructure.nodes.tool import ToolKind

    build = ToolKind.build
    ToolKind.build = lambda self, node, workshop: replace(build(self, node, workshop), intend=None)  # type: ignore[method-assign]


def no_line_per_attempt() -> None:
    """What a call used is written down twice, under two numbers."""
    from application.drive import Drive

    bill = Drive.bill

    def twice(self: Drive, call: Any, usage: Any, attempt: int) -> None:
        bill(self, call, usage, attempt)
        bill(self, call, usage, attempt)

    Drive.bill = twice  # type: ignore[method-assign]


def no_reservation() -> None:
    """A model is called, and nothing says so before its answer is there."""
    from infrastructure.nodes.llm import LlmKind

    build = LlmKind.build
    LlmKind.build = lambda self, node, workshop: replace(build(self, node, workshop), reserve=None)  # type: ignore[method-assign]


def no_looking_back() -> None:
    """Rows whose commit nobody heard of are written again, behind those that were."""
    from domain.ids import Position
    from infrastructure.store.batch import Group
    from infrastructure.store.postgres.writer import PostgresWriter

    async def find_out(self: PostgresWriter, groups: Sequence[Group], lost: BaseException) -> None:
        ends = {thread: position for thread, _, position in await self._heads_now(groups)}
        for group in groups:
            rows = group.upto - group.after
            group.after, group.upto = ends[group.thread], Position(ends[group.thread] + rows)
            self._waiting.again.append(group)

    PostgresWriter._find_out = find_out  # type: ignore[method-assign]


def no_takeover() -> None:
    """What a lost worker had in hand is left with it."""
    from infrastructure.store.postgres import claiming, queue

    queue.CLAIM = _with(claiming.CLAIM, "q.worker IS NOT NULL AND q.until <=", "FALSE AND q.until <=")  # type: ignore[attr-defined]


def no_receipt() -> None:
    """What was sent to a webhook counts as taken, whatever was answered."""
    from domain.webhook import Attempt

    Attempt.succeeded = property(lambda self: True)  # type: ignore[assignment, method-assign]


_KEPT: set["asyncio.Task[None]"] = set()
GUARDS = {
    "epoch": Guard("appends check the epoch of the lease", "nobody_writes_without_the_newest_lease", no_epoch),
    "mark": Guard("a start is kept under its idempotency key", "one_run_per_key", no_mark),
    "commit": Guard("a start is answered after its commit", "acknowledged_runs_exist", no_commit_before_the_answer),
    "key": Guard("an activation has one key for all its attempts", "effects_keep_their_word", no_stable_key),
    "durable": Guard("rows are durable before a tool touches the world", "effects_keep_their_word", no_durable_rows_before_effects),
    "resume": Guard("a stream goes on after the number its reader names", "readers_get_exactly_the_rows", no_resuming),
    "intent": Guard("the intent of a `once` call is durable before it", "effects_keep_their_word", no_intent),
    "line": Guard("a call is one line in the ledger of tokens", "every_token_is_charged_once", no_line_per_attempt),
    "reserve": Guard("a call is reserved before it is made", "every_token_is_charged_once", no_reservation),
    "unheard": Guard("an append that nobody heard of is looked for, not repeated", "one_result_per_activation", no_looking_back),
    "takeover": Guard("a lease that has run out is taken over", "every_run_is_final_or_waits_for_an_operator", no_takeover),
    "receipt": Guard("a delivery is done when its receiver took it", "receivers_hear_of_every_run", no_receipt),
}
"""By the name that stands after `without.`."""


def _with(text: str, words: str, others: str) -> str:
    assert words in text, f"the guard is not where it was: {words}"
    return text.replace(words, others)

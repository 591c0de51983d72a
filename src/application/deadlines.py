"""Deadlines of questions: whether an answer came before is decided by the question's mark, and nothing is recorded before that is known."""

import asyncio

import structlog

from application.attempts import Attempt
from application.drive import Drive
from application.questions import ANSWER, TOO_LATE, Given, Verdict, given_of, mark_of, read
from domain.errors import DatabaseError, NodeExecutionError
from domain.ids import Position
from domain.question import LATE, NOBODY, OnDeadline
from domain.run import events
from domain.run.state import Activation

log = structlog.get_logger("application.engine")


def decide(drive: Drive, activation: Activation) -> None:
    """The time has come: from here on no answer is accepted, unless one was before."""
    drive.tasks[activation.path] = asyncio.create_task(_decide(drive, activation, activation.asked_at))


async def _decide(drive: Drive, activation: Activation, asked_at: Position) -> None:
    pause = 0.05
    while True:
        try:
            drive.verdicts.append(Verdict(activation, asked_at, await _given(drive, activation, asked_at)))
            return drive.wake.set()
        except DatabaseError as error:
            log.warning("a deadline waits for the database", run=drive.run.id, activation=activation.path, reason=error.message)
        await drive.tools.clock.sleep(pause)
        pause = min(pause * 2, 2.0)


async def _given(drive: Drive, activation: Activation, asked_at: Position) -> Given | None:
    lease, tools = drive.lease, drive.tools
    mark = mark_of(lease.run, asked_at, tools.clock.now())
    given = read(await tools.marks.take(lease.tenant, mark, TOO_LATE))
    if given is not None:
        return given
    # Marks are forgotten after a day. An answer that has waited longer for a worker lies in the inbox all the same.
    for wish in await tools.inbox.waiting([lease.thread]):
        if wish.run == lease.run and wish.kind == ANSWER and (told := given_of(wish.body)).key == f"{ANSWER} {asked_at}":
            return told
    return None


def take_verdicts(drive: Drive) -> list[Attempt]:
    """Records the answers; what is left are questions that fail."""
    failed: list[Attempt] = []
    while drive.verdicts:
        verdict = drive.verdicts.popleft()
        activation = verdict.activation
        if drive.ending is not None or not is_asked(drive, activation, verdict.asked_at):
            continue
        drive.tasks.pop(activation.path, None)
        if verdict.given is not None:
            drive.record(events.Answered(activation.path, verdict.given.answer, verdict.given.by))
        elif activation.about is not None and activation.about["on_deadline"] == OnDeadline.DEFAULT:
            drive.record(events.Answered(activation.path, activation.parked_output, NOBODY))
        else:
            failed.append(Attempt(activation, NodeExecutionError(f"nobody answered {activation.node} in time", LATE)))
    return failed


def is_asked(drive: Drive, activation: Activation, asked_at: Position) -> bool:
    """Is it still this very question that the activation waits for?"""
    return drive.state.active.get(activation.path) is activation and activation.is_asking and activation.asked_at == asked_at

"""Answering what a run asks a person."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from application.activations import describe, rows_of
from application.errors import below
from application.once import Once, digest_of
from application.questions import ANSWER, Given, mark_of, read
from application.run_views import RunView
from application.runs import find_run
from domain.access import Principal, Role
from domain.errors import IllegalTransition, ValidationError
from domain.ids import ActivationPath, NewId, Position
from domain.json import JsonObject
from domain.ports.clock import Clock
from domain.ports.inbox import Inbox
from domain.ports.journal import Journal
from domain.ports.repositories import IdempotencyMark, Marks, Runs
from domain.ports.schemas import Schemas
from domain.question import ASKING, LATE, NOBODY, Question
from domain.run import events
from domain.run.run import Run
from domain.sizes import too_large

_ENDINGS: Final = (events.NodeFinished, events.NodeFailed, events.AttemptFailed)


class AnswerOrder(BaseModel):
    """`activation`: as `waiting_for` names it. `answer` must fit the `schema` there. `asked_at`: which of the questions that were asked
    there, as `about` names it; without one, the last."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    activation: Annotated[str, Field(strict=True, min_length=1, max_length=2000)]
    answer: JsonValue
    asked_at: Annotated[int, Field(strict=True, ge=1)] | None = None


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question that a run asked. `ended`: what came of it, None while nothing did."""

    at: Position
    ended: str | None = None


@dataclass(frozen=True, slots=True)
class AnswerRun:
    """Exactly one answer to a question counts: whose mark it is. Every other is `IllegalTransition`, which tells what happened; so is one
    that comes when the deadline has passed."""

    runs: Runs
    journal: Journal
    inbox: Inbox
    schemas: Schemas
    marks: Marks
    once: Once
    new_id: NewId
    clock: Clock

    async def __call__(self, who: Principal, run: str, order: AnswerOrder, key: str | None = None) -> RunView:
        """With a key it is one answer, however often it is sent. `Forbidden` for whom the question is not for."""
        who.must_be(Role.VIEWER)
        found = await find_run(self.runs, who, run)
        about = _about(found, order)
        if about is not None:
            now = self.clock.now()
            self._check(who, order, about, now)
            asked_at = Position(int(str(about["asked_at"])))
            request = await self._request(who, found, order, key)
            await self._answer(found, Given(order.activation, asked_at, order.answer, who.name, request), now)
        else:
            await self._check_answered(who, found, order, key)
        return await describe(self.journal, found)

    def _check(self, who: Principal, order: AnswerOrder, about: JsonObject, now: datetime) -> None:
        question = Question.of(about)
        question.must_let(who, now.timestamp())
        problems = [
            *too_large([("/answer", order.answer)]),
            *below("/answer", tuple(self.schemas.compile(question.schema).problems(order.answer))),
        ]
        if problems:
            raise ValidationError("the answer does not fit the question's schema: see `problems`", problems)

    async def _request(self, who: Principal, run: Run, order: AnswerOrder, key: str | None) -> str:
        """Tells this request from others that say the same; sent again with its key it is the same."""
        if key is None:
            return self.new_id()
        digest = digest_of(f"{ANSWER} {run.id}", order.model_dump(mode="json"))
        return await self.once.named(who, key, digest, self.new_id())

    async def _answer(self, run: Run, given: Given, now: datetime) -> None:
        mark = mark_of(run.id, given.asked_at, now)
        first = read(await self.marks.take(run.tenant, mark, given.written()))
        if first is None:
            raise IllegalTransition(_too_late(given.activation))
        # Also another one's: whoever gave it may have been lost before they could leave it.
        await self.inbox.put(run.tenant, run.thread, run.id, ANSWER, first.as_json(), first.key)
        if first.request != given.request:
            raise IllegalTransition(f"{first.by} has answered {given.activation} already: the first answer counts")

    async def _check_answered(self, who: Principal, run: Run, order: AnswerOrder, key: str | None) -> None:
        """Nothing is asked there now. It is no error when this very request answered it."""
        asked = await self._last_asked(run, order)
        if asked is None:
            state = f"the run is {run.status.value} and " if run.status.is_final else "the run "
            raise IllegalTransition(f"{state}does not wait for an answer at {order.activation}: see `waiting_for`")
        mark = mark_of(run.id, asked.at, self.clock.now())
        if key is not None and await self._is_ours(who, run, order, key, mark):
            return
        told = await self.marks.known(who.tenant, mark)
        first = None if told is None else read(told)
        by = f"{first.by} has answered {order.activation} already: the first answer counts" if first is not None else None
        raise IllegalTransition(asked.ended or by or _too_late(order.activation))

    async def _is_ours(self, who: Principal, run: Run, order: AnswerOrder, key: str, mark: IdempotencyMark) -> bool:
        request = await self._request(who, run, order, key)
        told = await self.marks.known(who.tenant, mark)
        first = None if told is None else read(told)
        return first is not None and first.request == request

    async def _last_asked(self, run: Run, order: AnswerOrder) -> _Asked | None:
        """The question that is meant, and what the journal says became of it."""
        path, found = ActivationPath(order.activation), None
        async for row in rows_of(self.journal, run, run.first):
            event = self.journal.decode(row)
            if isinstance(event, events.NodeParked) and event.activation == path and event.about is not None:
                if order.asked_at is None or order.asked_at == row.position:
                    found = _Asked(row.position)
            elif found is not None and found.ended is None and (ended := _ended(event, path)) is not None:
                found = _Asked(found.at, ended)
        return found


def _about(run: Run, order: AnswerOrder) -> JsonObject | None:
    """The question, while it is asked."""
    for waiting in () if run.status.is_final else run.waiting_for:
        if waiting.activation == order.activation and waiting.kind in ASKING and waiting.about is not None:
            return waiting.about if order.asked_at in (None, waiting.about["asked_at"]) else None
    return None


def _ended(event: events.Event, path: ActivationPath) -> str | None:
    if isinstance(event, events.Answered) and event.activation == path:
        if event.by == NOBODY:
            return f"the deadline of {path} has passed: its default is the answer"
        return f"{event.by} has answered {path} already: the first answer counts"
    if isinstance(event, _ENDINGS) and event.activation == path:
        failure = getattr(event, "failure", None)
        return _too_late(path) if failure is not None and failure.code == LATE else f"{path} is over and takes no answer any more"
    if isinstance(event, events.RunEnded):
        return f"the run is {event.status} and takes no answers any more"
    return None


def _too_late(path: str) -> str:
    return f"the deadline of {path} has passed: no answer is taken any more"

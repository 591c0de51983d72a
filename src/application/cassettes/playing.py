"""A run that is played from a cassette: people and signals answer as they did, and nobody waits for a time to pass."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

from pydantic import JsonValue

from application.access import LOCAL_ADMIN
from application.answering import AnswerOrder
from application.cassettes.documents import AnswerPart, Cassette, SignalPart
from application.cassettes.outcome import came_of
from application.cassettes.prompts import publish_prompts
from application.cassettes.recording import rows_of
from application.controlling import SignalOrder
from application.desk import Desk
from application.prompt_documents import PromptDocument
from application.run_orders import RunOrder
from application.run_views import RunView, WaitingView
from application.working import Worker
from domain.cassette import Playback, node_of
from domain.errors import ValidationError
from domain.question import HUMAN
from domain.replay import Came

_LONGEST: Final = 400 * 86_400.0
"""Seconds that a played run may take, by its own clock."""


class Place(Protocol):
    @property
    def desk(self) -> Desk: ...
    @property
    def worker(self) -> Worker: ...


@dataclass(frozen=True, slots=True)
class Changed:
    """What is played in place of what was recorded: another workflow, newer versions of prompts."""

    workflow: dict[str, JsonValue] | None = None
    prompts: tuple[PromptDocument, ...] = ()


AS_RECORDED: Final = Changed()


def tape_of(cassette: Cassette, models: dict[str, str]) -> Playback:
    tools = {str(tool["name"]): tool for tool in cassette.tools}
    return Playback([call.call() for call in cassette.calls], tools, cassette.recorded_at, models)


@dataclass(slots=True)
class _Outside:
    """What came from people and others, as far as it has not come yet."""

    desk: Desk
    now: Callable[[], datetime]
    answers: list[AnswerPart] = field(default_factory=list)
    signals: list[SignalPart] = field(default_factory=list)

    async def gives(self, run: RunView) -> bool:
        """One thing that the run waits for, or the time that ends it. False: nothing will."""
        for waiting in run.waiting_for:
            if await self._answers(run, waiting) or await self._sends(run, waiting):
                return True
        ends = [waiting.until for waiting in run.waiting_for if waiting.until is not None]
        if ends:
            await asyncio.sleep(max((min(ends) - self.now()).total_seconds(), 0.0) + 0.01)
        return bool(ends)

    async def _answers(self, run: RunView, waiting: WaitingView) -> bool:
        if waiting.kind != HUMAN:
            return False
        there = [answer for answer in self.answers if answer.at == waiting.activation]
        found = there or [answer for answer in self.answers if node_of(answer.at) == node_of(waiting.activation)]
        if found:
            self.answers.remove(found[0])
            await self.desk.answer_run(LOCAL_ADMIN, run.id, AnswerOrder(activation=waiting.activation, answer=found[0].answer))
        return bool(found)

    async def _sends(self, run: RunView, waiting: WaitingView) -> bool:
        found = next((signal for signal in self.signals if signal.name in waiting.signals), None)
        if found is not None:
            self.signals.remove(found)
            await self.desk.control.signal(LOCAL_ADMIN, run.id, found.name, SignalOrder(payload=found.payload))
        return found is not None


async def play(place: Place, cassette: Cassette, tape: Playback, changed: Changed = AS_RECORDED) -> Came:
    """Where models and tools answer from the tape, in a loop that leaps."""

    def now() -> datetime:
        return tape.since + timedelta(seconds=asyncio.get_running_loop().time())

    run = await perform(place, cassette, now, changed)
    return came_of(run, await rows_of(place.desk, run))


async def perform(place: Place, cassette: Cassette, now: Callable[[], datetime], changed: Changed = AS_RECORDED) -> RunView:
    """The run as it stands at its end, or where it waits for what the cassette has not got. Its input, answers and signals are the
    cassette's. `ValidationError` when what is changed cannot be published."""
    desk, worker = place.desk, place.worker
    await publish_prompts(desk, list(cassette.prompts), cassette.pins, changed.prompts)
    await _publish(desk, list(cassette.workflows))
    order = RunOrder(workflow=changed.workflow or cassette.workflow, input=cassette.input)
    run = (await desk.start_run(LOCAL_ADMIN, order)).view
    outside = _Outside(desk, now, list(cassette.answers), list(cassette.signals))
    working = asyncio.create_task(worker.run())
    try:
        run, _ = await desk.wait_for_run(LOCAL_ADMIN, run.id, _LONGEST)
        while run.ended_at is None and await outside.gives(run):
            run, _ = await desk.wait_for_run(LOCAL_ADMIN, run.id, _LONGEST)
    finally:
        worker.stop()
        await working
    return run


async def _publish(desk: Desk, documents: list[dict[str, JsonValue]]) -> None:
    """Each after those that it names."""
    while documents:
        refused: list[dict[str, JsonValue]] = []
        for document in documents:
            try:
                await desk.publish_workflow(LOCAL_ADMIN, document)
            except ValidationError:
                if len(refused) + 1 == len(documents):
                    raise
                refused.append(document)
        documents = refused

"""People who answer what runs ask, when they get to it: several questions at once, in any order, and some of them twice."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from application.answering import AnswerOrder, AnswerRun
from application.once import Once
from domain.access import Principal, Role
from domain.errors import DatabaseError, IllegalTransition
from domain.ids import DEFAULT_TENANT
from domain.json import JsonObject
from domain.question import HUMAN
from domain.run.run import Run, RunStatus, Waiting
from infrastructure.schemas import JsonSchemas
from infrastructure.store.store import Store
from tests.oracles.structured import Case
from tests.simulation.process import Process, Remote
from tests.virtual_time import VirtualClock

NAMES = ("ann", "bob", "eve")
DEADLINES = (None, 25.0, 12.0)
"""Seconds, by `mode`: for ever; then the default is the answer; then it is asked anew."""
SCHEMA: JsonObject = {"type": "object", "required": ["targets", "number"]}


def node_of(path: str) -> str:
    return path.rpartition("/")[2].partition("#")[0]


@dataclass(frozen=True)
class Said:
    """An answer that somebody gave. `is_taken`: as they were told."""

    activation: str
    number: int
    is_taken: bool


@dataclass
class People:
    """`said` by run: what was answered, as those were told who answered it. Each answer has a number of its own, and says where to go on as
    the case has it, so that whichever counts the visits are the same."""

    store: Store
    case: Case
    process: Process
    said: dict[str, list[Said]] = field(default_factory=dict)
    untold: set[int] = field(default_factory=set)
    """Answers of which nobody has heard yet, or ever will: those who gave them were sent home."""
    numbers: int = 0

    async def answer_all(self, runs: Sequence[Run]) -> None:
        """Until they are sent home."""
        while True:
            await asyncio.sleep(self._rng.uniform(0.2, 8.0))
            for run in list(runs):
                await self._look_at(run)

    async def _look_at(self, run: Run) -> None:
        found = await self.store.runs.get(run.tenant, run.id)
        asked = [one for one in found.waiting_for if one.kind == HUMAN] if found.status is RunStatus.PARKED else []
        chosen = [one for one in asked if self._rng.random() < 0.6]
        self._rng.shuffle(chosen)
        twice = [one for one in chosen if self._rng.random() < 0.3]
        if len(chosen) > 1:
            self.process.chaos.struck["people: several at once"] += 1
        await asyncio.gather(*(self._answer(found, one) for one in (*chosen, *twice)))

    async def _answer(self, run: Run, asked: Waiting) -> None:
        """Asks again under the same key until there is an answer to the answer."""
        self.numbers += 1
        number, about = self.numbers, asked.about or {}
        said = {"targets": list(self.case.decide(asked.activation, node_of(asked.activation))), "number": number}
        order: Any = AnswerOrder.model_validate({"activation": asked.activation, "answer": said, "asked_at": about["asked_at"]})
        who = Principal(DEFAULT_TENANT, Role.OPERATOR, self._rng.choice(NAMES))
        use = self._use_case()
        self.untold.add(number)
        while True:
            try:
                await use(who, run.id, order, f"answer {number}")
            except IllegalTransition:
                return self._noted(run, asked, number, is_taken=False)
            except DatabaseError:
                await asyncio.sleep(0.2)
            else:
                return self._noted(run, asked, number, is_taken=True)

    def _noted(self, run: Run, asked: Waiting, number: int, *, is_taken: bool) -> None:
        self.process.chaos.struck[f"people: answer {'taken' if is_taken else 'refused'}"] += 1
        self.untold.discard(number)
        self.said.setdefault(run.id, []).append(Said(asked.activation, number, is_taken))

    def _use_case(self) -> AnswerRun:
        """The one of production, at the other end of a bad line."""
        store, process = self.store, self.process
        runs: Any = Remote(store.runs, "runs", process)
        inbox: Any = Remote(store.inbox, "inbox", process)
        marks: Any = Remote(store.marks, "marks", process)
        journal: Any = Remote(store.journal, "journal", process)
        clock = VirtualClock()
        return AnswerRun(runs, journal, inbox, JsonSchemas(), marks, Once(marks, clock), self._new_id, clock)

    def _new_id(self) -> str:
        self.numbers += 1
        return f"id {self.numbers}"

    @property
    def _rng(self) -> random.Random:
        return self.process.chaos.rng

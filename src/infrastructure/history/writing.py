"""The history of one process: what comes while a batch is on its way to the database goes together with the next."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from domain.errors import WeftError
from domain.history import CONTENT, Capture, HistoryRecord, texts_in
from domain.ids import TenantId
from domain.json import Json, JsonObject
from domain.ports.history import HistoryRepository
from domain.ports.secrets import Redact
from infrastructure.history.capturing import captured

NOTED_SECONDS: Final = 0.2
"""So long a record waits for others."""
AGAIN_SECONDS: Final = 1.0
"""Between two tries while the database is away."""
MOST_WAITING: Final = 10_000
MOST_CHARACTERS: Final = 32 * 1024 * 1024
"""Of everything that waits, together."""
MOST_TOGETHER: Final = 100
LARGE: Final = 64 * 1024
"""Characters. What has more is looked through in a thread."""
RedactFor: TypeAlias = Callable[[TenantId], Redact]
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Noted:
    """`content`: what was said, as it was."""

    record: HistoryRecord
    content: JsonObject
    capture: Capture
    characters: int


class GroupedHistory:
    """Nobody waits for it. The oldest of what waits are lost when more comes than the database takes: the log says how many."""

    def __init__(self, records: HistoryRepository, redact_for: RedactFor) -> None:
        self._records, self._redact_for = records, redact_for
        self._waiting: deque[Noted] = deque()
        self._characters = 0
        self.lost = 0
        self._told = 0
        self._hurry = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_open = True
        self._is_failing = False

    def note(self, record: HistoryRecord, content: JsonObject, capture: Capture) -> None:
        """Will be kept soon (a quarter of a second, and before the process ends in order), with what `capture` lets it keep of `content`,
        without secrets. Never blocks, never fails."""
        if not self._is_open:
            self._lose(1)
            return
        held: JsonObject = {} if capture is Capture.OFF else content
        noted = Noted(record, held, capture, sum(map(len, texts_in(held))))
        self._waiting.append(noted)
        self._characters += noted.characters
        self._make_room()
        if len(self._waiting) == MOST_TOGETHER:
            self._hurry.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._serve(), name="weft-history")

    async def close(self) -> None:
        """Writes what has come so far; while the database is away, tries once more and says what is lost."""
        self._is_open = False
        self._hurry.set()
        if self._task is not None:
            await self._task
        self._tell_of_the_lost()

    async def _serve(self) -> None:
        while self._waiting:
            await self._gather()
            batch = [self._taken() for _ in range(min(MOST_TOGETHER, len(self._waiting)))]
            try:
                await self._write(batch)
            except asyncio.CancelledError:
                self._put_back(batch)
                raise
            except Exception as error:  # whatever it is, no record is dropped for it
                self._failed(batch, error)

    async def _gather(self) -> None:
        """Until many are there, or the first has waited long enough."""
        if len(self._waiting) >= MOST_TOGETHER and not self._is_failing:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(AGAIN_SECONDS if self._is_failing else NOTED_SECONDS):
                await self._hurry.wait()

    async def _write(self, batch: Sequence[Noted]) -> None:
        is_large = sum(noted.characters for noted in batch) > LARGE
        await self._records.save(await asyncio.to_thread(self._ready, batch) if is_large else self._ready(batch))
        self._is_failing = False
        self._tell_of_the_lost()
        if self._is_open and len(self._waiting) < MOST_TOGETHER:
            self._hurry.clear()

    def _ready(self, batch: Sequence[Noted]) -> list[HistoryRecord]:
        return [recorded(noted, self._redact_for(noted.record.tenant)) for noted in batch]

    def _failed(self, batch: Sequence[Noted], error: Exception) -> None:
        if not self._is_failing:
            log.error("the history cannot be written; what waits is tried again", exc_info=error)
        self._is_failing = True
        if not self._is_open:
            self._lose(len(batch) + len(self._waiting))
            self._waiting.clear()
            return
        self._hurry.clear()
        self._put_back(batch)

    def _put_back(self, batch: Sequence[Noted]) -> None:
        self._waiting.extendleft(reversed(batch))
        self._characters += sum(noted.characters for noted in batch)
        self._make_room()

    def _make_room(self) -> None:
        while len(self._waiting) > MOST_WAITING or self._characters > MOST_CHARACTERS:
            self._taken()
            self._lose(1)

    def _taken(self) -> Noted:
        noted = self._waiting.popleft()
        self._characters -= noted.characters
        return noted

    def _lose(self, records: int) -> None:
        if self.lost == self._told:
            log.error("records of the history are lost: more come than the database takes")
        self.lost += records

    def _tell_of_the_lost(self) -> None:
        if self.lost > self._told:
            log.error("%d records of the history were lost", self.lost - self._told)
            self._told = self.lost


def recorded(noted: Noted, redact: Redact) -> HistoryRecord:
    """What is kept. No secret is in the facts beside the content, either."""
    record = noted.record
    facts, _ = captured(record.data, Capture.ON, redact)
    data: dict[str, Json] = {**facts, "capture": noted.capture.value}
    content, is_cut = captured(noted.content, noted.capture, redact)
    if content:
        data |= {CONTENT: content, "cut": is_cut}
    return replace(record, model=redact(record.model), data=data)


def told(error: BaseException) -> tuple[str, str]:
    """Of what went wrong its code, and what was said."""
    if isinstance(error, asyncio.CancelledError):
        return "cancelled", ""
    return (error.code, error.message) if isinstance(error, WeftError) else ("raised", f"{type(error).__name__}: {error}")

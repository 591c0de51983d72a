"""The audit trail of one process: deeds that come while a batch is on its way to the database go together with the next."""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, TypeAlias

from domain.audit import LOST, AuditRecord, Deed
from domain.errors import DatabaseError, RepositoryError, WeftError
from domain.ids import TenantId
from domain.ports.audit import AuditRecords
from domain.ports.clock import Clock
from domain.ports.secrets import Redact
from infrastructure.deeds import discreet

NOTED_SECONDS: Final = 0.2
"""So long notes wait for others, unless something has to be recorded."""
RECORD_SECONDS: Final = 10.0
"""So long whoever records waits, at most."""
AGAIN_SECONDS: Final = 1.0
"""Between two tries while the database is away and nobody waits."""
TELL_SECONDS: Final = 60.0
"""Between two deeds that tell of lost ones."""
MOST_NOTES: Final = 10_000
MOST_TOGETHER: Final = 500
Waiting: TypeAlias = tuple[Deed, "asyncio.Future[None] | None"]
log = logging.getLogger(__name__)


class GroupedTrail:
    """`domain.ports.audit.AuditTrail`. The newest notes beyond `MOST_NOTES` are lost, and those of a chain that somebody has tampered with:
    the log and a deed in their place say how many."""

    def __init__(self, records: AuditRecords, clock: Clock, redact: Redact = str) -> None:
        self._records, self._clock, self._redact = records, clock, redact
        self._waiting: deque[Waiting] = deque()
        self._notes = 0
        self._lost: Counter[TenantId] = Counter()
        self._hurry = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_open = True
        self._is_failing = False
        self._told_at = -TELL_SECONDS

    def note(self, deed: Deed) -> None:
        if self._notes >= MOST_NOTES or not self._is_open:
            self._lose([deed], "too many wait for the database" if self._is_open else "it is closed")
            return
        self._notes += 1
        self._put((deed, None))
        if self._notes == MOST_TOGETHER:
            self._hurry.set()

    @property
    def has_room(self) -> bool:
        return self._notes < MOST_NOTES // 2

    async def record(self, deed: Deed) -> None:
        if not self._is_open:
            raise DatabaseError("the audit trail is closed: nothing more can be put on record")
        done = asyncio.get_running_loop().create_future()
        self._put((deed, done))
        self._hurry.set()
        try:
            async with asyncio.timeout(RECORD_SECONDS):
                await done
        except TimeoutError:
            raise DatabaseError(f"the database did not take a deed of the audit trail within {RECORD_SECONDS:g} s") from None

    async def read(self, tenant: TenantId, after: int, limit: int) -> Sequence[AuditRecord]:
        return [kept.record for kept in await self._records.read(tenant, after, limit)]

    async def close(self) -> None:
        """Writes what has come so far; while the database is away, tries once more and says what is lost."""
        self._is_open = False
        self._hurry.set()
        self._tell_of_the_lost()
        if self._task is not None:
            await self._task

    def _put(self, waiting: Waiting) -> None:
        self._waiting.append(waiting)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._serve(), name="weft-audit")

    def _lose(self, deeds: Sequence[Deed], reason: str) -> None:
        if not self._lost:
            log.error("deeds for the audit trail are lost: %s", reason)
        for deed in deeds:
            self._lost[deed.tenant] += int(str(deed.about["deeds"])) if deed.action == LOST else 1

    async def _serve(self) -> None:
        while self._waiting:
            await self._gather()
            batch = self._cut()
            if batch and not await self._write(batch) and not self._is_open:
                self._give_up()

    async def _gather(self) -> None:
        """Until something has to be recorded, many are there, or the first note has waited long enough."""
        if len(self._waiting) >= MOST_TOGETHER and not self._is_failing:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(AGAIN_SECONDS if self._is_failing else NOTED_SECONDS):
                await self._hurry.wait()

    def _cut(self) -> list[Waiting]:
        """The next batch, without those who no longer wait for theirs."""
        batch: list[Waiting] = []
        while self._waiting and len(batch) < MOST_TOGETHER:
            deed, done = self._waiting.popleft()
            if done is None or not done.done():
                batch.append((deed, done))
        if self._is_open and not self._waiting:
            self._hurry.clear()
        return batch

    async def _write(self, batch: Sequence[Waiting]) -> bool:
        """Is all of it in the database? A tenant whose chain is broken does not stop the others."""
        try:
            await self._records.append([discreet(deed, self._redact) for deed, _ in batch])
        except RepositoryError as error:
            tenants = sorted({deed.tenant for deed, _ in batch})
            if len(tenants) == 1:
                return self._refused(batch, error)
            return all([await self._write([one for one in batch if one[0].tenant == tenant]) for tenant in tenants])
        except asyncio.CancelledError:
            self._put_back(batch)
            raise
        except Exception as error:  # whatever it is, no deed is dropped for it
            return self._failed(batch, error)
        self._written(batch)
        return True

    def _written(self, batch: Sequence[Waiting]) -> None:
        self._is_failing = False
        for _, done in batch:
            if done is None:
                self._notes -= 1
            elif not done.done():
                done.set_result(None)
        if self._notes < MOST_NOTES and self._clock.monotonic() - self._told_at >= TELL_SECONDS:
            self._tell_of_the_lost()

    def _refused(self, batch: Sequence[Waiting], error: RepositoryError) -> bool:
        """Nothing can be added to this chain until somebody has looked at it."""
        _fail(batch, error)
        notes = [deed for deed, done in batch if done is None]
        self._notes -= len(notes)
        self._lose(notes, error.message)
        return True

    def _failed(self, batch: Sequence[Waiting], error: Exception) -> bool:
        """Whoever waits is told; what was noted is tried again."""
        if not self._is_failing:
            log.error("the audit trail cannot be written; what was noted is tried again", exc_info=error)
        self._is_failing = True
        _fail(batch, error)
        self._put_back([one for one in batch if one[1] is None])
        if self._is_open and all(done is None for _, done in self._waiting):
            self._hurry.clear()
        return False

    def _put_back(self, batch: Sequence[Waiting]) -> None:
        self._waiting.extendleft(reversed(batch))

    def _tell_of_the_lost(self) -> None:
        lost, self._lost = self._lost, Counter()
        self._told_at = self._clock.monotonic() if lost else self._told_at
        for tenant, count in lost.items():
            log.error("%d deeds of the tenant %s were not put on the audit trail", count, tenant)
            self._notes += 1
            self._put((Deed(tenant, self._clock.now(), "weft", LOST, "audit", "lost", about={"deeds": count}), None))

    def _give_up(self) -> None:
        """At the end of the process, with the database away."""
        log.error(
            "%d deeds were not put on the audit trail: the database does not take them", len(self._waiting) + sum(self._lost.values())
        )
        self._waiting.clear()


def _fail(batch: Sequence[Waiting], error: Exception) -> None:
    told = error.message if isinstance(error, WeftError) else str(error)
    for _, done in batch:
        if done is not None and not done.done():
            kind = RepositoryError if isinstance(error, RepositoryError) else DatabaseError
            done.set_exception(kind(f"the audit trail cannot be written: {told}"))

"""Runs that a start may turn out to be: an unfinished singleton, or a debounced run that has not begun."""

# ruff: noqa: S608 - statements are put together from names that stand in this folder; values are parameters

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import asyncpg

from domain.errors import DatabaseError
from domain.ports.repositories import NewRun
from domain.run.run import Run
from infrastructure.store.filling import LargeValues, whole_runs
from infrastructure.store.marks import Broom
from infrastructure.store.postgres.connections import POSTGRES, PostgresReader
from infrastructure.store.rows import RUN_COLUMNS, WORKFLOW_COLUMNS, Row, run_of, run_row, workflow_row
from infrastructure.store.terms import TIDY, gate_row

_KEYS: Final = frozenset({"uq_queue_singleton", "uq_queue_debounce", "uq_queue_sole"})
_RUN = ", ".join("r." + name for name in RUN_COLUMNS.split(", "))
_UNFINISHED = f"SELECT {_RUN} FROM queue q JOIN runs r ON r.id = q.run WHERE q.tenant = $1 AND q.singleton = $2"
_BUSY = "SELECT run FROM queue WHERE line = $1 AND thread = $2 AND tenant = $3 ORDER BY number LIMIT 1"
_GATE = f"""INSERT INTO gates (tenant, key, most, seconds, ends, used, stamp, seen_at)
    VALUES ($1, $2, $3, $4::float8, 0, 0, 0, {POSTGRES.now})
    ON CONFLICT (tenant, key) DO UPDATE SET most = excluded.most, seconds = excluded.seconds, seen_at = excluded.seen_at"""
_EMBED = f"""INSERT INTO workflows ({WORKFLOW_COLUMNS}, published) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, FALSE)
    ON CONFLICT DO NOTHING"""
# A claim of it that is under way is waited out; then it has begun, and is not to be had any more.
_PUSH = f"""WITH waiting AS (
    SELECT run FROM queue WHERE tenant = $1 AND debounce = $2 AND worker IS NULL FOR UPDATE
), pushed AS (
    UPDATE queue q SET due_at = {POSTGRES.now} + $3::float8, head_start = $4, slot = $5, rate = $6 FROM waiting WHERE q.run = waiting.run
)
UPDATE runs r SET workflow = $7, workflow_hash = $8, asked = $9 FROM waiting WHERE r.id = waiting.run RETURNING {_RUN}"""
_TIDY = TIDY.format(now=POSTGRES.now, unless_locked="FOR UPDATE SKIP LOCKED")


def is_taken(error: Exception) -> bool:
    """Another run came first with a key of these terms."""
    return isinstance(error, asyncpg.UniqueViolationError) and error.constraint_name in _KEYS


@dataclass(frozen=True, slots=True)
class StandingRuns:
    database: PostgresReader
    broom: Broom = field(default_factory=Broom)

    async def find(self, new: NewRun) -> Run | None:
        """The run that is the answer to this start, if there is one. A debounced one has what this start asks for from now on."""
        if new.terms.debounce is not None and (run := await self._pushed(new)) is not None:
            return run
        if new.terms.singleton is None:
            return None
        rows = await self.database.rows(_UNFINISHED, new.run.tenant, new.terms.singleton)
        return await self._run_of(rows)

    async def in_the_way(self, new: NewRun) -> str | None:
        """The run for which a start that rejects a busy thread is refused."""
        if not new.terms.rejects_busy:
            return None
        rows = await self.database.rows(_BUSY, new.line, new.run.thread, new.run.tenant)
        return str(rows[0][0]) if rows else None

    async def tidy(self) -> None:
        """Drops some gates that nobody needs, now and then; a database in trouble is told of by the start itself."""
        if self.broom.is_due():
            with suppress(DatabaseError):
                await self.database.rows(_TIDY)

    async def _pushed(self, new: NewRun) -> Run | None:
        run, terms = new.run, new.terms
        for gate in terms.gates:
            await self.database.rows(_GATE, *gate_row(run.tenant, gate))
        if new.embedded is not None:
            await self.database.rows(_EMBED, *workflow_row(new.embedded))
        *_, asked, _outcome = run_row(run)
        place = (terms.delay_seconds, terms.head_start, terms.slot and terms.slot.key, terms.rate and terms.rate.key)
        rows = await self.database.rows(_PUSH, run.tenant, terms.debounce, *place, run.workflow, run.workflow_hash, asked)
        return await self._run_of(rows)

    async def _run_of(self, rows: Sequence[Row]) -> Run | None:
        whole = await whole_runs(LargeValues(self.database), rows)
        return run_of(whole[0]) if whole else None

"""Starting runs on SQLite, in the same commits as everything else."""

# ruff: noqa: S608 - statements are put together from names that stand in this folder; values are parameters

import sqlite3
from dataclasses import dataclass, field
from functools import partial

from domain.ids import RunId, TenantId
from domain.ports.hints import QUEUE, Hints
from domain.ports.repositories import IdempotencyMark, NewRun, Started
from domain.run.run import Run
from infrastructure.store.marks import MARK_SECONDS, Broom
from infrastructure.store.reading import MARK, RunReads, marked_of
from infrastructure.store.rows import RUN_COLUMNS, Row, run_row, seconds, workflow_row
from infrastructure.store.sqlite.connections import question_marks
from infrastructure.store.sqlite.marks import forget
from infrastructure.store.sqlite.standing import EMBED, add_gates, forget_gates, standing
from infrastructure.store.sqlite.writer import SqliteWriter
from infrastructure.store.starting import EMPTY_THREAD, no_thread, replayed
from infrastructure.store.terms import TERMS_COLUMNS, terms_row

_OPEN_THREAD = "INSERT INTO threads (id, tenant, created_at, thread_type, body) VALUES (?, ?, ?, 'main', ?) ON CONFLICT DO NOTHING"
_OPEN_HEAD = "INSERT INTO heads (thread, tenant, epoch, position) VALUES (?, ?, 0, 0) ON CONFLICT DO NOTHING"
_OWNER = "SELECT tenant FROM threads WHERE id = ?"
_RUN = f"INSERT INTO runs ({RUN_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_QUEUE = f"""INSERT INTO queue (run, tenant, thread, due_at, epoch, wishes, head_start, {TERMS_COLUMNS})
    VALUES (?, ?, ?, weft_now() + ?, 0, 0, ?, ?, ?, ?, ?)"""
_MARK = """INSERT INTO idempotency (tenant, key, digest, run, at) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET digest = excluded.digest, run = excluded.run, at = excluded.at"""


@dataclass(frozen=True, slots=True)
class SqliteStarts:
    writer: SqliteWriter
    reads: RunReads
    hints: Hints
    broom: Broom = field(default_factory=Broom)
    gates: Broom = field(default_factory=Broom)

    async def start(self, new: NewRun) -> Started:
        embedded = workflow_row(new.embedded) if new.embedded else None
        tidy = new.mark is not None and self.broom.is_due()
        if new.terms.gates and self.gates.is_due():
            await self.writer.do(forget_gates)
        started = await self.writer.do(partial(_start, new=new, row=run_row(new.run), embedded=embedded, tidy=tidy))
        self.hints.ring(QUEUE)
        return started

    async def get(self, tenant: TenantId, run: RunId) -> Run:
        return await self.reads.get(tenant, run)


def _start(connection: sqlite3.Connection, new: NewRun, row: Row, embedded: Row | None, tidy: bool) -> Started:
    run = new.run
    if new.mark is not None and (known := _known(connection, run.tenant, new.mark)) is not None:
        return known
    if new.terms.is_sole and (run_there := standing(connection, new, embedded)) is not None:
        return _answered(connection, new, run_there)
    _settle_thread(connection, new)
    if embedded is not None:
        connection.execute(EMBED, embedded)
    if new.mark is not None:
        connection.execute(_MARK, (run.tenant, new.mark.key, new.mark.digest, run.id, seconds(new.mark.at)))
        if tidy:
            forget(connection, new.mark.at)
    connection.execute(_RUN, row)
    add_gates(connection, new)
    place = (new.terms.delay_seconds, new.terms.head_start, *terms_row(new.terms))
    connection.execute(_QUEUE, (run.id, run.tenant, run.thread, *place))
    return Started(run, fresh=True)


def _answered(connection: sqlite3.Connection, new: NewRun, run: Run) -> Started:
    if new.mark is not None:
        connection.execute(_MARK, (run.tenant, new.mark.key, new.mark.digest, run.id, seconds(new.mark.at)))
    return Started(run, fresh=False)


def _known(connection: sqlite3.Connection, tenant: TenantId, asked: IdempotencyMark) -> Started | None:
    row = connection.execute(question_marks(MARK), (tenant, asked.key)).fetchone()
    if row is None:
        return None
    known, run = marked_of(asked.key, row)
    return None if seconds(asked.at) - seconds(known.at) >= MARK_SECONDS else replayed(asked, known, run)


def _settle_thread(connection: sqlite3.Connection, new: NewRun) -> None:
    run = new.run
    owner = connection.execute(_OWNER, (run.thread,)).fetchone()
    if owner is None and new.opens_thread:
        connection.execute(_OPEN_THREAD, (run.thread, run.tenant, seconds(run.created_at), EMPTY_THREAD))
        connection.execute(_OPEN_HEAD, (run.thread, run.tenant))
    elif owner is None or owner[0] != run.tenant:
        raise no_thread(run.thread)

"""Starting runs on SQLite, in the same commits as everything else."""

# ruff: noqa: S608 - statements are put together from names that stand in this folder; values are parameters

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from domain.errors import WeftError
from domain.ids import RunId, TenantId, ThreadId
from domain.ports.hints import QUEUE, Hints
from domain.ports.repositories import IdempotencyMark, NewRun, Started
from domain.run.run import Run
from domain.thread import Thread
from infrastructure.store.large import Values
from infrastructure.store.lines import BEGINS, OWNER
from infrastructure.store.marks import MARK_SECONDS, Broom
from infrastructure.store.reading import MARK, OF_A_MARK, RunReads, marked_of
from infrastructure.store.rows import RUN_COLUMNS, Row, run_row, seconds, workflow_row
from infrastructure.store.sqlite.connections import SQLITE, question_marks
from infrastructure.store.sqlite.many import execute_in_portions, fetch_in_portions
from infrastructure.store.sqlite.marks import forget
from infrastructure.store.sqlite.standing import EMBED, add_gates, forget_gates, standing
from infrastructure.store.sqlite.values import keep, whole_runs_now
from infrastructure.store.sqlite.writer import SqliteWriter
from infrastructure.store.starting import EMPTY_THREAD, busy_with, no_ground, no_thread, replayed
from infrastructure.store.terms import TERMS_COLUMNS, terms_row
from infrastructure.store.thread_rows import THREAD_COLUMNS, head_row, thread_row

_OPEN_THREAD = "INSERT INTO threads (id, tenant, created_at, thread_type, body) VALUES (?, ?, ?, 'main', ?) ON CONFLICT DO NOTHING"
_OPEN_HEAD = "INSERT INTO heads (thread, tenant, epoch, position) VALUES (?, ?, 0, 0) ON CONFLICT DO NOTHING"
_ADD_HEAD = "INSERT INTO heads (thread, tenant, epoch, position) VALUES (:thread, :tenant, :epoch, :position) ON CONFLICT DO NOTHING"
_ADD_THREAD = f"""INSERT INTO threads ({THREAD_COLUMNS}) VALUES ({", ".join(":" + name for name in THREAD_COLUMNS.split(", "))})
    ON CONFLICT DO NOTHING"""
_OWNER = "SELECT tenant FROM threads WHERE id = ?"
_STANDS = """SELECT 1 FROM checkpoints WHERE thread = ? AND position <= ?
    UNION ALL SELECT 1 FROM journal WHERE thread = ? AND position = ? + 1 LIMIT 1"""
_RUN = f"INSERT INTO runs ({RUN_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_QUEUE = f"""INSERT INTO queue (run, tenant, thread, line, due_at, epoch, wishes, head_start, {TERMS_COLUMNS})
    VALUES (?, ?, ?, ?, weft_now() + ?, 0, 0, ?, ?, ?, ?, ?, ?)"""
_KNOWN_THREADS = "SELECT id FROM threads WHERE id IN (VALUES {rows})"
_OPEN_THREADS = """INSERT INTO threads (id, tenant, created_at, body, thread_type)
    SELECT *, 'main' FROM (VALUES {rows}) WHERE column1 IS NOT NULL"""
_OPEN_HEADS = "INSERT INTO heads (thread, tenant, epoch, position) SELECT *, 0, 0 FROM (VALUES {rows}) WHERE column1 IS NOT NULL"
_RUNS = f"INSERT INTO runs ({RUN_COLUMNS}) SELECT * FROM (VALUES {{rows}}) WHERE column1 IS NOT NULL"
_PLACES = SQLITE.spell("""INSERT INTO queue (run, tenant, thread, line, head_start, due_at, epoch, wishes)
    SELECT *, {now}, 0, 0 FROM (VALUES {{rows}}) WHERE column1 IS NOT NULL""")
_BUSY = "SELECT run FROM queue WHERE line = ? AND thread = ? ORDER BY number LIMIT 1"
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
        if new.terms.gates and self.gates.is_due():
            await self.writer.do(forget_gates)
        embedded = workflow_row(new.embedded) if new.embedded else None
        values: Values = {}
        order = _Order(new, run_row(new.run, values), embedded, values, tidy=new.mark is not None and self.broom.is_due())
        started = await self.writer.do_with_others(_start_all, order)
        self.hints.ring(QUEUE)
        return started

    async def get(self, tenant: TenantId, run: RunId) -> Run:
        return await self.reads.get(tenant, run)

    async def open_thread(self, thread: Thread) -> None:
        await self.writer.do(partial(_open_thread, thread=thread))

    async def unfinished(self, tenant: TenantId, thread: ThreadId) -> Sequence[Run]:
        return await self.reads.unfinished(tenant, thread)


@dataclass(frozen=True, slots=True)
class _Order:
    """`values`: the large ones of its input. `tidy`: marks whose time is over are to be dropped with it."""

    new: NewRun
    row: Row
    embedded: Row | None
    values: Values
    tidy: bool

    @property
    def is_plain(self) -> bool:
        """A run on a thread of its own, with nothing to look up before."""
        new = self.new
        if self.values:
            return False
        return new.opens_thread and new.mark is None and new.embedded is None and new.terms.is_plain and new.sequence is None


def _start_all(connection: sqlite3.Connection, orders: Sequence[_Order]) -> Sequence[Started | WeftError]:
    if len(orders) > 1 and all(order.is_plain for order in orders):
        threads = [order.new.run.thread for order in orders]
        if not fetch_in_portions(connection, _KNOWN_THREADS, 1, threads):
            return _start_plain(connection, [order.new for order in orders], [value for order in orders for value in order.row])
    return [_tried(connection, order) for order in orders]


def _start_plain(connection: sqlite3.Connection, starts: Sequence[NewRun], rows: Sequence[object]) -> Sequence[Started]:
    """`rows`: the values of `RUN_COLUMNS`, one run's after the other's."""
    runs = [new.run for new in starts]
    opened = [value for run in runs for value in (run.thread, run.tenant, seconds(run.created_at), EMPTY_THREAD)]
    execute_in_portions(connection, _OPEN_THREADS, 4, opened)
    execute_in_portions(connection, _OPEN_HEADS, 2, [value for run in runs for value in (run.thread, run.tenant)])
    execute_in_portions(connection, _RUNS, len(RUN_COLUMNS.split(", ")), rows)
    places = [value for new in starts for value in (new.run.id, new.run.tenant, new.run.thread, new.line, new.terms.head_start)]
    execute_in_portions(connection, _PLACES, 5, places)
    return [Started(run, fresh=True) for run in runs]


def _tried(connection: sqlite3.Connection, order: _Order) -> Started | WeftError:
    try:
        return _start(connection, order)
    except WeftError as error:
        return error


def _start(connection: sqlite3.Connection, order: _Order) -> Started:
    new, embedded, run = order.new, order.embedded, order.new.run
    if new.mark is not None and (known := _known(connection, run.tenant, new.mark)) is not None:
        return known
    if new.terms.is_sole and (run_there := standing(connection, new, embedded)) is not None:
        return _answered(connection, new, run_there)
    _settle_thread(connection, new)
    if new.terms.rejects_busy and (busy := connection.execute(_BUSY, (new.line, run.thread)).fetchone()) is not None:
        raise busy_with(busy[0], run.thread)
    if embedded is not None:
        connection.execute(EMBED, embedded)
    if new.mark is not None:
        connection.execute(_MARK, (run.tenant, new.mark.key, new.mark.digest, run.id, seconds(new.mark.at)))
        if order.tidy:
            forget(connection, new.mark.at)
    connection.execute(_RUN, order.row)
    if order.values:
        keep(connection, run.tenant, run.thread, order.values, seconds(run.created_at))
    add_gates(connection, new)
    place = (new.line, new.terms.delay_seconds, new.terms.head_start, *terms_row(new.terms, run.thread))
    connection.execute(_QUEUE, (run.id, run.tenant, run.thread, *place))
    return Started(run, fresh=True)


def _open_thread(connection: sqlite3.Connection, thread: Thread) -> None:
    if thread.parent is not None and connection.execute(_OWNER, (thread.parent,)).fetchone() != (thread.tenant,):
        raise no_thread(thread.parent)
    _check_ground(connection, thread)
    connection.execute(_ADD_HEAD, head_row(thread))
    connection.execute(_ADD_THREAD, thread_row(thread))


def _check_ground(connection: sqlite3.Connection, thread: Thread) -> None:
    """A position stands on the newest checkpoint before it, or on the first row where there is none."""
    at = (thread.parent, thread.tenant, thread.parent_position)
    owner = connection.execute(question_marks(OWNER), at).fetchone()
    if owner is None or connection.execute(_STANDS, (owner[0], thread.parent_position, *owner)).fetchone() is not None:
        return
    raise no_ground(thread, connection.execute(question_marks(BEGINS), at).fetchone()[0])


def _answered(connection: sqlite3.Connection, new: NewRun, run: Run) -> Started:
    if new.mark is not None:
        connection.execute(_MARK, (run.tenant, new.mark.key, new.mark.digest, run.id, seconds(new.mark.at)))
    return Started(run, fresh=False)


def _known(connection: sqlite3.Connection, tenant: TenantId, asked: IdempotencyMark) -> Started | None:
    rows = whole_runs_now(connection, connection.execute(question_marks(MARK), (tenant, asked.key)).fetchall(), OF_A_MARK)
    if not rows:
        return None
    known, run = marked_of(asked.key, rows[0])
    return None if seconds(asked.at) - seconds(known.at) >= MARK_SECONDS else replayed(asked, known, run)


def _settle_thread(connection: sqlite3.Connection, new: NewRun) -> None:
    run = new.run
    owner = connection.execute(_OWNER, (run.thread,)).fetchone()
    if owner is None and new.opens_thread:
        connection.execute(_OPEN_THREAD, (run.thread, run.tenant, seconds(run.created_at), EMPTY_THREAD))
        connection.execute(_OPEN_HEAD, (run.thread, run.tenant))
    elif owner is None or owner[0] != run.tenant:
        raise no_thread(run.thread)

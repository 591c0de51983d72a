"""Runs that a start may turn out to be, and the gates of those that are started; all within the start's own transaction."""

# ruff: noqa: S608 - statements are put together from names that stand in this folder; values are parameters

import sqlite3

from domain.ports.repositories import NewRun
from domain.run.run import Run
from infrastructure.store.rows import RUN_COLUMNS, WORKFLOW_COLUMNS, Row, run_of, run_row
from infrastructure.store.sqlite.connections import SQLITE
from infrastructure.store.sqlite.values import whole_runs_now
from infrastructure.store.terms import TIDY, gate_row

EMBED = f"INSERT INTO workflows ({WORKFLOW_COLUMNS}, published) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, FALSE) ON CONFLICT DO NOTHING"
_RUN = ", ".join("r." + name for name in RUN_COLUMNS.split(", "))
_UNFINISHED = f"SELECT {_RUN} FROM queue q JOIN runs r ON r.id = q.run WHERE q.tenant = ? AND q.singleton = ?"
_GATE = """INSERT INTO gates (tenant, key, most, seconds, ends, used, stamp, seen_at) VALUES (?, ?, ?, ?, 0, 0, 0, weft_now())
    ON CONFLICT DO UPDATE SET most = excluded.most, seconds = excluded.seconds, seen_at = excluded.seen_at"""
_PUSH = """UPDATE queue SET due_at = weft_now() + ?, head_start = ?, slot = ?, rate = ?
    WHERE tenant = ? AND debounce = ? AND worker IS NULL RETURNING run"""
_ASK_ANEW = f"UPDATE runs SET workflow = ?, workflow_hash = ?, asked = ? WHERE id = ? RETURNING {RUN_COLUMNS}"
_TIDY = SQLITE.spell(TIDY.replace("{unless_locked}", ""))


def standing(connection: sqlite3.Connection, new: NewRun, embedded: Row | None) -> Run | None:
    """The run that is the answer to this start, if there is one. A debounced one has what this start asks for from now on."""
    terms, tenant = new.terms, new.run.tenant
    if terms.debounce is not None:
        place = (terms.delay_seconds, terms.head_start, terms.slot and terms.slot.key, terms.rate and terms.rate.key)
        waiting = connection.execute(_PUSH, (*place, tenant, terms.debounce)).fetchone()
        if waiting is not None:
            return _asked_anew(connection, waiting[0], new, embedded)
    if terms.singleton is None:
        return None
    rows = whole_runs_now(connection, connection.execute(_UNFINISHED, (tenant, terms.singleton)).fetchmany(1))
    return run_of(rows[0]) if rows else None


def add_gates(connection: sqlite3.Connection, new: NewRun) -> None:
    for gate in new.terms.gates:
        connection.execute(_GATE, gate_row(new.run.tenant, gate))


def forget_gates(connection: sqlite3.Connection) -> None:
    """Drops some that nobody needs."""
    connection.execute(_TIDY)


def _asked_anew(connection: sqlite3.Connection, waiting: str, new: NewRun, embedded: Row | None) -> Run:
    add_gates(connection, new)
    if embedded is not None:
        connection.execute(EMBED, embedded)
    *_, asked, _outcome = run_row(new.run)
    return run_of(connection.execute(_ASK_ANEW, (new.run.workflow, new.run.workflow_hash, asked, waiting)).fetchone())

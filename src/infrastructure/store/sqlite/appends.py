"""A batch of appends as statements of one SQLite transaction, which nobody else can come between."""

# ruff: noqa: S608 - statements are put together from names that stand in this folder; values are parameters

import sqlite3
from collections.abc import Iterable

from domain.errors import WeftError
from domain.ports.journal import Append
from domain.run.run import Run
from infrastructure.store.batch import Group
from infrastructure.store.rows import USAGE_COLUMNS, outcome, seconds, usage_row
from infrastructure.store.sqlite.many import execute_in_portions
from infrastructure.store.sqlite.telling import tell

_MOVE_HEAD = "UPDATE heads SET position = ? WHERE thread = ? AND epoch = ? AND position = ?"
_MOVE_HEADS = """UPDATE heads SET position = moved.column4 FROM (VALUES {rows}) moved
    WHERE thread = moved.column1 AND epoch = moved.column2 AND position = moved.column3"""
_HEAD = "SELECT epoch, position FROM heads WHERE thread = ?"
_INSERT = "INSERT INTO journal (thread, position, tenant, run, kind, at, body) VALUES {rows}"
_RUN = "UPDATE runs SET status = ?, started_at = ?, ended_at = ?, outcome = ? WHERE id = ?"
_USAGE = f"INSERT INTO usage ({USAGE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_CHECKPOINT = "INSERT INTO checkpoints (thread, position, tenant, body) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body"
_TAKE_WISH = "DELETE FROM inbox WHERE number = ? AND thread = ?"
_COUNT_WISHES = "UPDATE queue SET wishes = wishes - ? WHERE run = ?"
_END = ("DELETE FROM queue WHERE run = ?", "DELETE FROM inbox WHERE run = ?", "UPDATE heads SET run = NULL WHERE run = ? AND thread = ?")
_PARK = "UPDATE queue SET worker = NULL, due_at = CASE WHEN wishes > 0 THEN min(?1, ?2) ELSE ?1 END WHERE run = ?3"


def write_appends(connection: sqlite3.Connection, groups: Iterable[Group]) -> tuple[list[Group], list[tuple[Group, WeftError]]]:
    """Writes the groups whose thread's head is where they think it is; those, and the refused ones with the reason."""
    passed, refused = _move_heads(connection, list(groups))
    execute_in_portions(connection, _INSERT, 7, _journal_values(passed))
    for group in passed:
        for unit in group.units:
            append = unit.append
            if append.usage or append.taken or append.checkpoint is not None:
                _write_beside(connection, append)
        if (run := group.new_run) is not None:
            _update_run(connection, run)
        if group.release_at is not None:
            _release(connection, group, group.release_at, seconds(group.at))
    tell(connection, passed)
    return passed, refused


def _move_heads(connection: sqlite3.Connection, groups: list[Group]) -> tuple[list[Group], list[tuple[Group, WeftError]]]:
    """All in one go, which is nearly always right; when a head was not where its group thinks it is, again one by one to see which."""
    connection.execute("SAVEPOINT heads")
    values = [value for group in groups for value in (group.thread, group.epoch, group.after, group.upto)]
    if execute_in_portions(connection, _MOVE_HEADS, 4, values) == len(groups):
        connection.execute("RELEASE heads")
        return groups, []
    connection.execute("ROLLBACK TO heads")
    passed: list[Group] = []
    refused: list[tuple[Group, WeftError]] = []
    for group in groups:
        if connection.execute(_MOVE_HEAD, (group.upto, group.thread, group.epoch, group.after)).rowcount:
            passed.append(group)
        else:
            refused.append((group, group.refusal(connection.execute(_HEAD, (group.thread,)).fetchone())))
    return passed, refused


def _journal_values(groups: Iterable[Group]) -> list[object]:
    """One row's values after the other's."""
    values: list[object] = []
    for group in groups:
        position: int = group.after
        thread, at = group.thread, seconds(group.at)
        for unit in group.units:
            append = unit.append
            lease = append.lease
            for event, body in zip(append.events, unit.bodies, strict=True):
                position += 1
                values += (thread, position, lease.tenant, lease.run, event.kind, at, body)
    return values


def _write_beside(connection: sqlite3.Connection, append: Append) -> None:
    lease = append.lease
    if append.usage:
        connection.executemany(_USAGE, [usage_row(row) for row in append.usage])
    if append.checkpoint is not None:
        connection.execute(_CHECKPOINT, (lease.thread, append.checkpoint.position, lease.tenant, append.checkpoint.body))
    if append.taken:
        gone = connection.executemany(_TAKE_WISH, [(number, lease.thread) for number in append.taken]).rowcount
        connection.execute(_COUNT_WISHES, (gone, lease.run))


def _update_run(connection: sqlite3.Connection, run: Run) -> None:
    started_at = run.started_at and seconds(run.started_at)
    ended_at = run.ended_at and seconds(run.ended_at)
    connection.execute(_RUN, (run.status.value, started_at, ended_at, outcome(run), run.id))


def _release(connection: sqlite3.Connection, group: Group, release_at: float, now: float) -> None:
    if not group.is_final:
        connection.execute(_PARK, (release_at, now, group.run))
        return
    out_of_queue, out_of_inbox, thread_is_free = _END
    connection.execute(out_of_queue, (group.run,))
    connection.execute(out_of_inbox, (group.run,))
    connection.execute(thread_is_free, (group.run, group.thread))

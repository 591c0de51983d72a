"""A batch of appends as statements of one SQLite transaction, which nobody else can come between."""

# ruff: noqa: S608 - statements are put together from names that stand in this folder; values are parameters

import sqlite3
from collections.abc import Iterable, Sequence

from domain.errors import WeftError
from domain.ports.journal import Append
from domain.run.run import Run
from domain.run.terms import DELIVERIES
from infrastructure.store.batch import Group
from infrastructure.store.rows import Row, seconds
from infrastructure.store.snapshot_rows import COLUMNS, snapshot_row
from infrastructure.store.sqlite.many import execute_in_portions
from infrastructure.store.sqlite.telling import tell
from infrastructure.store.sqlite.values import keep
from infrastructure.store.usage_rows import USAGE_COLUMNS, USAGE_GIVES_WAY, usage_row

_MOVE_HEADS = """UPDATE heads SET position = moved.column4, run = CASE WHEN moved.column5 THEN NULL ELSE run END
    FROM (VALUES {rows}) moved WHERE thread = moved.column1 AND epoch = moved.column2 AND position = moved.column3"""
_HEAD = "SELECT epoch, position FROM heads WHERE thread = ?"
_INSERT = """INSERT INTO journal (thread, position, tenant, run, kind, at, body)
    SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL"""
_RUNS = """UPDATE runs SET status = ran.column2, started_at = ran.column3, ended_at = ran.column4, outcome = ran.column5
    FROM (VALUES {rows}) ran WHERE id = ran.column1"""
_MOVE_RUN = "UPDATE runs SET workflow = ?, workflow_hash = ? WHERE id = ?"
_USAGE = f"INSERT INTO usage ({USAGE_COLUMNS}) VALUES ({', '.join('?' for _ in USAGE_COLUMNS.split(', '))}) {USAGE_GIVES_WAY}"
_CHECKPOINT = "INSERT INTO checkpoints (thread, position, tenant, body) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body"
_SNAPSHOT = f"INSERT INTO snapshots ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_TAKE_WISH = "DELETE FROM inbox WHERE number = ? AND thread = ?"
_COUNT_WISHES = "UPDATE queue SET wishes = wishes - ? WHERE run = ?"
_END = ("DELETE FROM queue WHERE run IN (VALUES {rows})", "DELETE FROM inbox WHERE run IN (VALUES {rows})")
_PARK = f"""UPDATE queue SET worker = NULL, deliveries = min(deliveries, {DELIVERIES}),
    due_at = CASE WHEN wishes > 0 THEN min(parked.column2, parked.column3) ELSE parked.column2 END
    FROM (VALUES {{rows}}) parked WHERE run = parked.column1"""


def write_appends(connection: sqlite3.Connection, groups: Iterable[Group]) -> tuple[list[Group], list[tuple[Group, WeftError]]]:
    """Writes the groups whose thread's head is where they think it is; those, and the refused ones with the reason. The first in its
    transaction, which may begin anew."""
    passed, refused = _move_heads(connection, list(groups))
    execute_in_portions(connection, _INSERT, 7, _journal_values(passed))
    for group in passed:
        for unit in group.units:
            append = unit.append
            if unit.apart is not None:
                keep(connection, append.lease.tenant, append.lease.thread, unit.apart.values, seconds(group.at))
            if append.usage or append.taken or append.checkpoint is not None or append.snapshots:
                _write_beside(connection, append, unit.checkpoint)
    execute_in_portions(connection, _RUNS, 5, [value for group in passed if group.new_run for value in _run_values(group.new_run, group)])
    connection.executemany(_MOVE_RUN, [_move_values(group.new_run) for group in passed if group.moves and group.new_run])
    _release(connection, [group for group in passed if group.release_at is not None])
    tell(connection, passed)
    return passed, refused


def _move_heads(connection: sqlite3.Connection, groups: list[Group]) -> tuple[list[Group], list[tuple[Group, WeftError]]]:
    """All in one go, which is nearly always right; when a head was not where its group thinks it is, again one by one to see which."""
    if _move(connection, groups) == len(groups):
        return groups, []
    connection.execute("ROLLBACK")
    connection.execute("BEGIN IMMEDIATE")
    passed: list[Group] = []
    refused: list[tuple[Group, WeftError]] = []
    for group in groups:
        if _move(connection, [group]):
            passed.append(group)
        else:
            refused.append((group, group.refusal(connection.execute(_HEAD, (group.thread,)).fetchone())))
    return passed, refused


def _move(connection: sqlite3.Connection, groups: Iterable[Group]) -> int:
    values = [value for group in groups for value in (group.thread, group.epoch, group.after, group.upto, group.is_final)]
    return execute_in_portions(connection, _MOVE_HEADS, 5, values)


def _journal_values(groups: Iterable[Group]) -> list[object]:
    """One row's values after the other's."""
    values: list[object] = []
    for group in groups:
        position: int = group.after
        thread, at = group.thread, seconds(group.at)
        for unit in group.units:
            append = unit.append
            lease = append.lease
            for event, body in zip(append.events, unit.stored, strict=True):
                position += 1
                values += (thread, position, lease.tenant, lease.run, event.kind, at, body)
    return values


def _write_beside(connection: sqlite3.Connection, append: Append, checkpoint: bytes | None) -> None:
    lease = append.lease
    if append.usage:
        connection.executemany(_USAGE, [usage_row(row) for row in append.usage])
    if append.checkpoint is not None:
        connection.execute(_CHECKPOINT, (lease.thread, append.checkpoint.position, lease.tenant, checkpoint))
    if append.snapshots:
        connection.executemany(_SNAPSHOT, [snapshot_row(snapshot) for snapshot in append.snapshots])
    if append.taken:
        gone = connection.executemany(_TAKE_WISH, [(number, lease.thread) for number in append.taken]).rowcount
        connection.execute(_COUNT_WISHES, (gone, lease.run))


def _run_values(run: Run, group: Group) -> Row:
    """The values of `_RUNS`."""
    times = (run.started_at and seconds(run.started_at), run.ended_at and seconds(run.ended_at))
    return (run.id, run.status.value, *times, group.new_outcome)


def _move_values(run: Run) -> Row:
    """The values of `_MOVE_RUN`."""
    return run.workflow, run.workflow_hash, run.id


def _release(connection: sqlite3.Connection, groups: Sequence[Group]) -> None:
    ended = [group.run for group in groups if group.is_final]
    for statement in _END:
        execute_in_portions(connection, statement, 1, ended)
    parked = [(group.run, group.release_at, seconds(group.at)) for group in groups if not group.is_final]
    execute_in_portions(connection, _PARK, 3, [value for row in parked for value in row])

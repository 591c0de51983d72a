"""The claim on SQLite. Nobody else writes meanwhile, so that what is counted is so."""

# ruff: noqa: S608 - statements are put together from names that stand in this folder; values are parameters

import sqlite3
from collections.abc import Iterator
from math import ceil
from typing import Final

from domain.ids import Epoch, Position, TenantId, WorkerId
from domain.ports.journal import Lease
from domain.ports.queue import Claim
from infrastructure.store.reader import DUE, LAPSED
from infrastructure.store.rows import RUN_COLUMNS, Row, run_of
from infrastructure.store.sqlite.connections import SQLITE
from infrastructure.store.terms import LET_IN, SHUT

_PLACE = "q.run, q.thread, q.tenant, q.slot, q.rate, q.worker IS NOT NULL"
_QUEUE = "queue q JOIN heads h ON h.thread = q.thread"
_LAPSED = SQLITE.spell(f"SELECT {_PLACE} FROM {_QUEUE} WHERE {LAPSED} ORDER BY q.until, q.number LIMIT ?")
_TENANT: Final = "SELECT tenant FROM queue WHERE worker IS NULL AND tenant > ? ORDER BY tenant LIMIT 1"
_FREE = SQLITE.spell(f"""WITH shut AS ({SHUT})
    SELECT {_PLACE} FROM {_QUEUE} WHERE q.tenant = ? AND {DUE} AND {LET_IN} ORDER BY q.due_at - q.head_start, q.number LIMIT ?""")
_LEFT = SQLITE.spell("""SELECT g.most - CASE
    WHEN g.seconds IS NULL THEN (SELECT count(*) FROM queue q WHERE q.worker IS NOT NULL AND q.tenant = g.tenant AND q.slot = g.key)
    WHEN g.ends <= {now} THEN 0 ELSE g.used END FROM gates g WHERE g.tenant = ? AND g.key = ?""")
_ENTER = """UPDATE gates SET used = CASE WHEN ends <= weft_now() THEN 1 ELSE used + 1 END,
    ends = CASE WHEN ends <= weft_now() THEN weft_now() + seconds ELSE ends END WHERE tenant = ? AND key = ?"""
_RAISE_EPOCH = "UPDATE heads SET epoch = epoch + 1, run = ? WHERE thread = ? RETURNING epoch, position"
_TAKE = """UPDATE queue SET worker = ?, epoch = ?, until = weft_now() + ?, rate = NULL, debounce = NULL,
    deliveries = CASE WHEN claimed_position <> ? THEN 1 ELSE deliveries + (worker IS NOT NULL) END, claimed_position = ?
    WHERE run = ? RETURNING deliveries"""
_TAKE_UP = f"UPDATE runs SET status = 'running', started_at = coalesce(started_at, weft_now()) WHERE id = ? RETURNING {RUN_COLUMNS}"


def claim_due(connection: sqlite3.Connection, worker: WorkerId, limit: int, lease_seconds: float, last: TenantId) -> list[Claim]:
    """`last`: the tenant that was served last."""
    lapsed = connection.execute(_LAPSED, (limit,)).fetchall()
    claims = [_taken(connection, place, worker, lease_seconds) for place in lapsed]
    if len(claims) < limit:
        for place in _in_turns(connection, limit - len(claims), last):
            if _lets_in(connection, place):
                claims.append(_taken(connection, place, worker, lease_seconds))
                if len(claims) == limit:
                    break
    return claims


def _in_turns(connection: sqlite3.Connection, limit: int, last: TenantId) -> Iterator[Row]:
    """The first of every tenant, then the second of each, and so on. Each has a share of the limit; should it not be enough for what gates
    let in, the next claim finds the rest."""
    tenants = _ring(connection, last)
    share = ceil(limit / max(1, len(tenants)))
    lines = [connection.execute(_FREE, (tenant, share)).fetchall() for tenant in tenants]
    for number in range(share):
        yield from (line[number] for line in lines if number < len(line))


def _ring(connection: sqlite3.Connection, last: TenantId) -> list[str]:
    """Tenants that have something nobody may be kept from, those behind the last one first."""
    found: list[str] = []
    row = connection.execute(_TENANT, ("",)).fetchone()
    while row is not None:
        if connection.execute(_FREE, (row[0], 1)).fetchone() is not None:
            found.append(row[0])
        row = connection.execute(_TENANT, (row[0],)).fetchone()
    behind = [tenant for tenant in found if tenant > last]
    return behind + found[: len(found) - len(behind)]


def _lets_in(connection: sqlite3.Connection, place: Row) -> bool:
    """Do the gates of its slot and rate? Then it is counted."""
    _, _, tenant, slot, rate, _ = place
    keys = [key for key in (slot, rate) if key is not None]
    if not all(connection.execute(_LEFT, (tenant, key)).fetchone()[0] > 0 for key in keys):
        return False
    if rate is not None:
        connection.execute(_ENTER, (tenant, rate))
    return True


def _taken(connection: sqlite3.Connection, place: Row, worker: WorkerId, lease_seconds: float) -> Claim:
    run, thread, *_, was_held = place
    epoch, position = connection.execute(_RAISE_EPOCH, (run, thread)).fetchone()
    (deliveries,) = connection.execute(_TAKE, (worker, epoch, lease_seconds, position, position, run)).fetchone()
    taken = run_of(connection.execute(_TAKE_UP, (run,)).fetchone())
    lease = Lease(taken.tenant, taken.thread, taken.id, Epoch(epoch), worker)
    return Claim(lease, taken, Position(position), bool(was_held), deliveries)

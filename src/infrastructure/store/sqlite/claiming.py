"""The claim on SQLite. Nobody else writes meanwhile, so that what is counted is so."""

# ruff: noqa: S608 - statements are put together from names that stand in this folder; values are parameters

import sqlite3
from collections.abc import Iterator, Sequence
from math import ceil
from typing import Final

from domain.ids import Epoch, Position, TenantId, WorkerId
from domain.ports.journal import Lease
from domain.ports.queue import Claim
from infrastructure.store.reader import DUE, LAPSED
from infrastructure.store.rows import RUN_COLUMNS, Row, run_of
from infrastructure.store.sqlite.connections import SQLITE
from infrastructure.store.sqlite.many import fetch_in_portions
from infrastructure.store.sqlite.values import whole_runs_now
from infrastructure.store.terms import DELIVERED, LET_IN, SHUT

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
_RAISE_EPOCHS = """UPDATE heads SET epoch = epoch + 1, run = taken.column1 FROM (VALUES {rows}) taken WHERE thread = taken.column2
    RETURNING run, epoch, position"""
_TAKE = SQLITE.spell(f"""UPDATE queue AS q SET worker = taken.column2, epoch = taken.column3, until = {{now}} + taken.column5, rate = NULL,
    debounce = NULL, claimed_position = taken.column4,
    deliveries = CASE WHEN claimed_position <> taken.column4 THEN 1 ELSE {DELIVERED.format(was_held="(worker IS NOT NULL)")} END
    FROM (VALUES {{{{rows}}}}) taken WHERE run = taken.column1 RETURNING run, deliveries""")
_TAKE_UP = SQLITE.spell(f"""UPDATE runs SET status = 'running', started_at = coalesce(started_at, {{now}}) WHERE id IN (VALUES {{{{rows}}}})
    RETURNING {RUN_COLUMNS}""")


def claim_due(connection: sqlite3.Connection, worker: WorkerId, limit: int, lease_seconds: float, last: TenantId) -> list[Claim]:
    """`last`: the tenant that was served last."""
    places = connection.execute(_LAPSED, (limit,)).fetchall()
    room = limit - len(places)
    entered: list[Row] = []
    if room:
        for place in _in_turns(connection, room, last):
            if _lets_in(connection, place, entered):
                entered.append(place)
                if len(entered) == room:
                    break
    return _taken(connection, [*places, *entered], worker, lease_seconds)


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


def _lets_in(connection: sqlite3.Connection, place: Row, entered: Sequence[Row]) -> bool:
    """Do the gates of its slot and rate? Then it is counted. `entered`: those that hold their slots already, and are not yet taken."""
    _, _, tenant, slot, rate, _ = place
    if slot is not None and _left(connection, tenant, slot) <= sum(one[2] == tenant and one[3] == slot for one in entered):
        return False
    if rate is not None and _left(connection, tenant, rate) <= 0:
        return False
    if rate is not None:
        connection.execute(_ENTER, (tenant, rate))
    return True


def _left(connection: sqlite3.Connection, tenant: TenantId, key: str) -> int:
    left: int = connection.execute(_LEFT, (tenant, key)).fetchone()[0]
    return left


def _taken(connection: sqlite3.Connection, places: Sequence[Row], worker: WorkerId, lease_seconds: float) -> list[Claim]:
    """Three statements, however many: each one's way into SQLite costs as much as a row."""
    raised = fetch_in_portions(connection, _RAISE_EPOCHS, 2, [value for run, thread, *_ in places for value in (run, thread)])
    leases = [value for run, epoch, position in raised for value in (run, worker, epoch, position, lease_seconds)]
    deliveries = {row[0]: row[1] for row in fetch_in_portions(connection, _TAKE, 5, leases)}
    heads = {run: (Epoch(epoch), Position(position)) for run, epoch, position in raised}
    taken_up = fetch_in_portions(connection, _TAKE_UP, 1, [run for run, *_ in places])
    runs = {row[0]: run_of(row) for row in whole_runs_now(connection, taken_up)}
    claims = []
    for name, *_, was_held in places:
        run, (epoch, position) = runs[name], heads[name]
        lease = Lease(run.tenant, run.thread, run.id, epoch, worker)
        claims.append(Claim(lease, run, position, bool(was_held), deliveries[name]))
    return claims

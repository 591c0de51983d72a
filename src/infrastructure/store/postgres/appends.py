"""A batch of appends as one statement, of which every part stands here.

Heads are locked, checked and moved, and what belongs to those that passed is written. What most batches do not have (public rows,
usage, checkpoints, leaving the queue) is left out of the statement when none is there.
"""

# ruff: noqa: S608 - statements are put together from names that stand in this folder; values are parameters

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import count
from typing import Final

from domain.run.run import Run
from domain.run.terms import DELIVERIES
from domain.usage import newest
from infrastructure.store.batch import Group
from infrastructure.store.postgres.connections import POSTGRES
from infrastructure.store.postgres.snapshots import SNAPSHOTS, SNAPSHOTS_WIDTH, snapshots_of
from infrastructure.store.postgres.values import VALUES_WIDTH, columns, keeping_of, values_of
from infrastructure.store.rows import Row, seconds
from infrastructure.store.telling import told_with_bodies
from infrastructure.store.usage_rows import USAGE_COLUMNS, USAGE_GIVES_WAY, USAGE_TYPES, usage_row

# Heads are locked in the order of their ids. One that is locked elsewhere is skipped, and does not come back at all: it is tried again.
_HEADS = """WITH wanted AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bool[], $8::float8[])
        WITH ORDINALITY AS w(thread, run, tenant, epoch, after, upto, is_final, at, number)
), held AS (
    SELECT thread, epoch, position FROM heads WHERE thread = ANY($1) ORDER BY thread FOR UPDATE SKIP LOCKED
), passed AS (
    UPDATE heads h SET position = w.upto, run = CASE WHEN w.is_final THEN NULL ELSE h.run END
    FROM wanted w JOIN held USING (thread)
    WHERE h.thread = ANY($1) AND h.thread = w.thread AND h.epoch = w.epoch AND h.position = w.after
    RETURNING w.number, w.thread, w.run, w.tenant, w.is_final, w.at
), written AS (
    INSERT INTO journal (thread, position, tenant, run, kind, at, body)
    SELECT p.thread, e.position, p.tenant, p.run, e.kind, p.at, e.body
    FROM unnest($9::bigint[], $10::bigint[], $11::text[], $12::bytea[]) AS e(number, position, kind, body) JOIN passed p USING (number)
)"""
_VERDICT = " SELECT thread, held.epoch, held.position, passed.number IS NOT NULL FROM held LEFT JOIN passed USING (thread)"
# A run alone: one event of one thread, and nothing beside it. The planner has a fifth less to do than for arrays of one.
_ALONE = """WITH held AS (
    SELECT thread, epoch, position FROM heads WHERE thread = $1 FOR UPDATE SKIP LOCKED
), passed AS (
    UPDATE heads h SET position = $6 FROM held WHERE h.thread = $1 AND held.epoch = $4 AND held.position = $5 RETURNING h.thread
), written AS (
    INSERT INTO journal (thread, position, tenant, run, kind, at, body)
    SELECT thread, $6, $3, $2, $8, $7, $9 FROM passed
) SELECT thread, held.epoch, held.position, EXISTS (SELECT FROM passed) FROM held"""
_RUNS = """, ran AS (
    UPDATE runs r SET status = u.status, started_at = u.started_at, ended_at = u.ended_at, outcome = u.outcome
    FROM unnest({0}::bigint[], {1}::text[], {2}::text[], {3}::float8[], {4}::float8[], {5}::bytea[])
        AS u(number, id, status, started_at, ended_at, outcome) JOIN passed USING (number)
    WHERE r.id = ANY({1}) AND r.id = u.id
)"""
# A row is updated once in a statement, so these are not among the ones above.
_MOVED_RUNS = """, ran_elsewhere AS (
    UPDATE runs r SET status = u.status, started_at = u.started_at, ended_at = u.ended_at, outcome = u.outcome,
        workflow = u.workflow, workflow_hash = u.workflow_hash
    FROM unnest({0}::bigint[], {1}::text[], {2}::text[], {3}::float8[], {4}::float8[], {5}::bytea[], {6}::text[], {7}::text[])
        AS u(number, id, status, started_at, ended_at, outcome, workflow, workflow_hash) JOIN passed USING (number)
    WHERE r.id = ANY({1}) AND r.id = u.id
)"""
_USAGE = f""", counted AS (
    INSERT INTO usage ({USAGE_COLUMNS})
    SELECT {", ".join("u." + name for name in USAGE_COLUMNS.split(", "))}
    FROM unnest({{0}}::bigint[], {", ".join(f"{{{n}}}::{kind}[]" for n, kind in enumerate(USAGE_TYPES, 1))}) AS u(number, {USAGE_COLUMNS})
    JOIN passed USING (number)
    {USAGE_GIVES_WAY}
)"""
_CHECKPOINTS = """, kept AS (
    INSERT INTO checkpoints (thread, position, tenant, body)
    SELECT p.thread, c.position, p.tenant, c.body
    FROM unnest({0}::bigint[], {1}::bigint[], {2}::bytea[]) AS c(number, position, body) JOIN passed p USING (number)
    ON CONFLICT (thread, position) DO UPDATE SET body = excluded.body
)"""
_TOLD = """, told AS (
    INSERT INTO webhook_deliveries (id, webhook, tenant, run, news, state, created_at, due_at, tries, revision, attempts, body)
    SELECT t.id, w.id, p.tenant, p.run, t.news, 'pending', p.at, p.at, 0, 0, '[]', t.body
    FROM unnest({0}::bigint[], {1}::text[], {2}::text[], {3}::bigint[], {4}::text[], {5}::bytea[])
        AS t(number, id, news, bit, workflow, body)
    JOIN passed p USING (number)
    JOIN webhooks w ON w.tenant = p.tenant AND w.enabled AND w.mask & t.bit <> 0 AND (w.workflow IS NULL OR w.workflow = t.workflow)
    ON CONFLICT DO NOTHING
)"""
# A wish that came while the run was on its way out is counted in the queue's row, which both lock: it makes the run due at once.
_LEAVING = f""", gone AS (
    DELETE FROM inbox i USING passed p
    WHERE i.thread = ANY($1) AND i.thread = p.thread AND (i.number = ANY({{4}}::bigint[]) OR (p.is_final AND i.run = p.run))
    RETURNING i.run
), ended AS (
    DELETE FROM queue q USING passed p WHERE q.run = ANY({{1}}) AND q.run = p.run AND p.is_final
), moved AS (
    UPDATE queue q SET
        wishes = q.wishes - coalesce(g.taken, 0),
        worker = CASE WHEN u.release_at IS NULL THEN q.worker END,
        deliveries = CASE WHEN u.release_at IS NULL THEN q.deliveries ELSE least(q.deliveries, {DELIVERIES}) END,
        due_at = CASE WHEN u.release_at IS NULL THEN q.due_at
                      WHEN q.wishes > coalesce(g.taken, 0) THEN least(u.release_at, {POSTGRES.now}) ELSE u.release_at END
    FROM unnest({{0}}::bigint[], {{1}}::text[], {{2}}::float8[], {{3}}::bool[]) AS u(number, run, release_at, is_final)
    JOIN passed USING (number)
    LEFT JOIN (SELECT run, count(*) AS taken FROM gone GROUP BY run) g ON g.run = u.run
    WHERE q.run = ANY({{1}}) AND q.run = u.run AND NOT u.is_final
)"""
_HEAD_PARAMETERS: Final = 12


@dataclass(frozen=True, slots=True)
class _Part:
    """`values`: one list for each of `width` parameters, empty when no group has anything for it."""

    statement: str
    width: int
    values: Callable[[Sequence[Group]], Sequence[list[object]]]


def statement_of(groups: Sequence[Group]) -> tuple[str, Sequence[object]]:
    """The statement and its values. It answers (thread, epoch and position before, passed) for each head that was not locked elsewhere."""
    has_more = any(_has_more(group) for group in groups)
    if len(groups) == 1 and not has_more and groups[0].upto - groups[0].after == 1:
        return _ALONE, _alone(groups[0])
    values: list[object] = [*_heads(groups), *_events(groups)]
    present = []
    if has_more:
        for number, part in enumerate(_PARTS):
            found = part.values(groups)
            if any(found):
                present.append(number)
                values += found
    return _statement(tuple(present)), values


@lru_cache(maxsize=16)
def _statement(parts: tuple[int, ...]) -> str:
    parameters = count(_HEAD_PARAMETERS + 1)
    beside = [part.statement.format(*(f"${next(parameters)}" for _ in range(part.width))) for part in (_PARTS[number] for number in parts)]
    return _HEADS + "".join(beside) + _VERDICT


def _has_more(group: Group) -> bool:
    for unit in group.units:
        append = unit.append
        if append.run is not None or append.usage or append.checkpoint is not None or append.taken or append.release_at is not None:
            return True
        if unit.apart is not None or append.snapshots or (group.is_heard and append.begun is not None):
            return True
    return False


def _alone(group: Group) -> Sequence[object]:
    append, (body,) = group.units[0].append, group.units[0].stored
    lease, (event,) = append.lease, append.events
    return group.thread, group.run, lease.tenant, group.epoch, group.after, group.upto, seconds(group.at), event.kind, body


def _heads(groups: Sequence[Group]) -> Iterable[list[object]]:
    return (
        [group.thread for group in groups],
        [group.run for group in groups],
        [group.units[0].append.lease.tenant for group in groups],
        [group.epoch for group in groups],
        [group.after for group in groups],
        [group.upto for group in groups],
        [group.is_final for group in groups],
        [seconds(group.at) for group in groups],
    )


def _events(groups: Sequence[Group]) -> Iterable[list[object]]:
    numbers: list[object] = []
    positions: list[object] = []
    kinds: list[object] = []
    bodies: list[object] = []
    for number, group in enumerate(groups, 1):
        for unit in group.units:
            kinds += [event.kind for event in unit.append.events]
            bodies += unit.stored
        numbers += [number] * (group.upto - group.after)
        positions += range(group.after + 1, group.upto + 1)
    return numbers, positions, kinds, bodies


def _runs(groups: Sequence[Group], moving: bool = False) -> Sequence[list[object]]:
    found = ((number, group.new_run, group.new_outcome) for number, group in enumerate(groups, 1) if group.moves is moving)
    return columns([(number, *_run_values(run, told, moving)) for number, run, told in found if run is not None], 8 if moving else 6)


def _run_values(run: Run, told: bytes | None, moving: bool) -> Row:
    times = (run.started_at and seconds(run.started_at), run.ended_at and seconds(run.ended_at))
    return (run.id, run.status.value, *times, told, *((run.workflow, run.workflow_hash) if moving else ()))


def _usage(groups: Sequence[Group]) -> Sequence[list[object]]:
    """One line for each key: a statement changes a row once."""
    found = ((number, [row for unit in group.units for row in unit.append.usage]) for number, group in enumerate(groups, 1))
    rows = [(number, *usage_row(row)) for number, lines in found if lines for row in newest(lines)]
    return columns(rows, 1 + len(USAGE_TYPES))


def _checkpoints(groups: Sequence[Group]) -> Sequence[list[object]]:
    found = ((number, unit.append.checkpoint, unit.checkpoint) for number, group in enumerate(groups, 1) for unit in group.units)
    return columns([(number, checkpoint.position, body) for number, checkpoint, body in found if checkpoint is not None], 3)


def _told(groups: Sequence[Group]) -> Sequence[list[object]]:
    rows = [
        (number, one.id, one.news.value, one.news.bit, one.workflow, body)
        for number, group in enumerate(groups, 1)
        if group.is_heard
        for unit in group.units
        for one, body in told_with_bodies(unit.append, group.at)
    ]
    return columns(rows, 6)


def _leaving(groups: Sequence[Group]) -> Sequence[list[object]]:
    rows, taken = [], []
    for number, group in enumerate(groups, 1):
        wishes = [wish for unit in group.units for wish in unit.append.taken]
        if wishes or group.release_at is not None:
            rows.append((number, group.run, group.release_at, group.is_final))
            taken += wishes
    return [*columns(rows, 4), [*taken]]


_PARTS: Final = (
    _Part(_RUNS, 6, _runs),
    _Part(_MOVED_RUNS, 8, partial(_runs, moving=True)),
    _Part(_USAGE, 1 + len(USAGE_TYPES), _usage),
    _Part(_CHECKPOINTS, 3, _checkpoints),
    _Part(_LEAVING, 5, _leaving),
    _Part(_TOLD, 6, _told),
    _Part(SNAPSHOTS, SNAPSHOTS_WIDTH, snapshots_of),
    _Part(keeping_of("passed", "at"), VALUES_WIDTH, values_of),
)

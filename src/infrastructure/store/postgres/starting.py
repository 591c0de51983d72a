"""The statement that starts a batch of runs. What most of them do not have (limits, keys, a delay) is left out when none has it."""

# ruff: noqa: S608 - statements are put together from names that stand in this folder; values are parameters

from enum import IntEnum
from functools import lru_cache
from typing import Final

from infrastructure.store.lines import OWNER
from infrastructure.store.marks import MARK_SECONDS
from infrastructure.store.postgres.connections import POSTGRES
from infrastructure.store.postgres.values import VALUES_WIDTH, keeping_of
from infrastructure.store.rows import RUN_COLUMNS, WORKFLOW_COLUMNS
from infrastructure.store.terms import TERMS_COLUMNS
from infrastructure.store.thread_rows import THREAD_COLUMNS


class Verdict(IntEnum):
    """What became of a start: it stands, its mark was known, or a key of its terms, or the thread that it wants alone, is another run's."""

    FRESH = 1
    KNOWN = 2
    TAKEN = 3


_RUN_TYPES = ["text", "text", "text", "text", "text", "text", "float8", "float8", "float8", "bytea", "bytea"]
_WORKFLOW_TYPES = ["text", "text", "text", "text", "text", "float8", "float8", "bytea", "bytea"]
_TYPES = [*_RUN_TYPES, "bool", "text", "text", "float8", *_WORKFLOW_TYPES, "float8", "text"]
_TERMS_TYPES = ["float8", "text", "text", "text", "text", "text", "int8", "int8", "float8"]
_WORKFLOW_NAMES = ", ".join("w_" + name for name in WORKFLOW_COLUMNS.split(", "))
_NAMES = f"{RUN_COLUMNS}, opens, key, digest, marked_at, {_WORKFLOW_NAMES}, head_start, line"
_TERMS_NAMES = f"delay, {TERMS_COLUMNS}, slot_most, rate_most, rate_seconds"
EMBEDDED_WIDTH: Final = len(_WORKFLOW_TYPES)

_PLACED = f"""WITH wanted AS (
    SELECT * FROM unnest({{arrays}}) WITH ORDINALITY AS w({{names}}, number)
), placed AS (
    SELECT w.* FROM wanted w LEFT JOIN threads t ON t.id = w.thread AND t.id = ANY($4)
    WHERE CASE WHEN t.id IS NULL THEN w.opens ELSE t.tenant = w.tenant END
), able AS (
    SELECT * FROM placed {{unless_taken}}
), marked AS (
    INSERT INTO idempotency AS m (tenant, key, digest, run, at)
    SELECT tenant, key, digest, id, marked_at FROM able WHERE key IS NOT NULL ORDER BY tenant, key
    ON CONFLICT (tenant, key) DO UPDATE SET digest = excluded.digest, run = excluded.run, at = excluded.at
        WHERE excluded.at - m.at >= {MARK_SECONDS}
    RETURNING run
), fresh AS (
    SELECT * FROM able WHERE key IS NULL OR id IN (SELECT run FROM marked)
), opened AS (
    INSERT INTO threads (id, tenant, created_at, thread_type, body)
    SELECT thread, tenant, created_at, 'main', $1::bytea FROM fresh WHERE opens ORDER BY thread
    ON CONFLICT DO NOTHING
), headed AS (
    INSERT INTO heads (thread, tenant, epoch, position) SELECT thread, tenant, 0, 0 FROM fresh WHERE opens ORDER BY thread
    ON CONFLICT DO NOTHING
), embedded AS (
    INSERT INTO workflows ({WORKFLOW_COLUMNS}, published)
    SELECT {_WORKFLOW_NAMES}, FALSE FROM fresh WHERE w_hash IS NOT NULL ORDER BY w_tenant, w_hash
    ON CONFLICT DO NOTHING
), ran AS (
    INSERT INTO runs ({RUN_COLUMNS}) SELECT {RUN_COLUMNS} FROM fresh ON CONFLICT DO NOTHING RETURNING id
)"""
_QUEUED = f""", queued AS (
    INSERT INTO queue (run, tenant, thread, line, due_at, epoch, wishes, head_start)
    SELECT id, tenant, thread, line, {POSTGRES.now}, 0, 0, head_start FROM fresh WHERE id IN (SELECT id FROM ran) ORDER BY number
)"""
_UNLESS_TAKEN = """WHERE NOT EXISTS (
        SELECT 1 FROM queue q WHERE q.tenant = placed.tenant AND q.singleton = placed.singleton AND q.singleton IS NOT NULL
    ) AND NOT EXISTS (
        SELECT 1 FROM queue q WHERE q.tenant = placed.tenant AND q.debounce = placed.debounce AND q.debounce IS NOT NULL
    ) AND (placed.sole IS NULL OR NOT EXISTS (SELECT 1 FROM queue q WHERE q.line = placed.line AND q.thread = placed.sole))"""
# In a line of several threads numbers are given in the order of the commits: of two at once the later one waits until it can be seen behind
# the other. Of two with one gate the newer one's numbers hold. Gates are taken in the order of their keys.
_QUEUED_ON_TERMS = f""", ordered AS MATERIALIZED (
    SELECT line, pg_advisory_xact_lock(hashtextextended(line, 0)) FROM (
        SELECT DISTINCT line FROM fresh WHERE line <> thread ORDER BY line
    ) lines
), gated AS (
    INSERT INTO gates (tenant, key, most, seconds, ends, used, stamp, seen_at)
    SELECT DISTINCT ON (tenant, key) tenant, key, most, seconds, 0, 0, 0, {POSTGRES.now} FROM (
        SELECT tenant, slot AS key, slot_most AS most, NULL::float8 AS seconds, number FROM fresh WHERE slot IS NOT NULL
        UNION ALL SELECT tenant, rate, rate_most, rate_seconds, number FROM fresh WHERE rate IS NOT NULL
    ) asked ORDER BY tenant, key, number DESC
    ON CONFLICT (tenant, key) DO UPDATE SET most = excluded.most, seconds = excluded.seconds, seen_at = excluded.seen_at
), queued AS (
    INSERT INTO queue (run, tenant, thread, line, due_at, epoch, wishes, head_start, {TERMS_COLUMNS})
    SELECT id, tenant, thread, line, {POSTGRES.now} + delay, 0, 0, head_start, {TERMS_COLUMNS}
    FROM fresh WHERE id IN (SELECT id FROM ran) AND (line = thread OR line IN (SELECT line FROM ordered)) ORDER BY number
)"""
_VERDICT = """ SELECT placed.number, CASE WHEN fresh.id IS NOT NULL THEN 1 WHEN able.id IS NOT NULL THEN 2 ELSE 3 END
    FROM placed LEFT JOIN able USING (number) LEFT JOIN fresh USING (number)"""


# A thread by itself. Whoever sweeps its parent away, or the rows that a branch would stand on, waits for this or has been waited for: what
# that one removed is gone from `stands` too, whose rows are looked at anew when their lock is had. A position stands on the newest
# checkpoint before it, or on the first row where there is none.
OPEN_THREAD: Final = f"""WITH RECURSIVE parent AS MATERIALIZED (
    SELECT id FROM threads WHERE id = $7 AND tenant = $2 FOR SHARE
), owner AS MATERIALIZED (
    SELECT o.thread, o.after FROM ({OWNER.replace("$1", "$7").replace("$3", "$8::bigint")}) o
), swept AS MATERIALIZED (
    SELECT id FROM threads WHERE id = (SELECT thread FROM owner) AND EXISTS (SELECT FROM parent) FOR SHARE
), stands AS MATERIALIZED (
    SELECT c.position FROM checkpoints c WHERE c.thread = (SELECT id FROM swept) AND c.position <= $8::bigint
    ORDER BY c.position DESC LIMIT 1 FOR SHARE
), begins AS MATERIALIZED (
    SELECT j.position FROM journal j
    WHERE j.thread = (SELECT id FROM swept) AND j.position = (SELECT after + 1 FROM owner) AND NOT EXISTS (SELECT FROM stands) FOR SHARE
), able AS MATERIALIZED (
    SELECT $7::text IS NULL OR EXISTS (SELECT FROM parent) AS is_able,
        NOT EXISTS (SELECT FROM owner) OR EXISTS (SELECT FROM stands) OR EXISTS (SELECT FROM begins) AS is_kept
), headed AS (
    INSERT INTO heads (thread, tenant, epoch, position) SELECT $1::text, $2::text, 0, $10::bigint FROM able WHERE is_able AND is_kept
    ON CONFLICT DO NOTHING
), opened AS (
    INSERT INTO threads ({THREAD_COLUMNS})
    SELECT $1::text, $2::text, $3::float8, $4::text, $5::bytea, $6::text, $7::text, $8::bigint, $9::text FROM able WHERE is_able AND is_kept
    ON CONFLICT DO NOTHING
) SELECT is_able, is_kept FROM able"""


@lru_cache(maxsize=4)
def start_statement(has_terms: bool, has_values: bool = False) -> str:
    """Takes the body of a new thread, then a list for each column of the starts, then their large values, if any has one. Answers (number,
    verdict); not for unknown threads."""
    types, names = (_TYPES + _TERMS_TYPES, f"{_NAMES}, {_TERMS_NAMES}") if has_terms else (_TYPES, _NAMES)
    arrays = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(types, 2))
    placed = _PLACED.format(arrays=arrays, names=names, unless_taken=_UNLESS_TAKEN if has_terms else "")
    first = len(types) + 2
    keeping = keeping_of("fresh", "created_at").format(*(f"${first + n}" for n in range(VALUES_WIDTH))) if has_values else ""
    return placed + (_QUEUED_ON_TERMS if has_terms else _QUEUED) + keeping + _VERDICT

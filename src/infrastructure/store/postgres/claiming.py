"""The claim on PostgreSQL: one statement, which waits for nobody.

Rows of the queue and of heads that somebody else holds at this moment are passed over, and so are gates. How many runs hold a slot is
counted as of the statement's beginning; a gate whose stamp has changed since then was gone through meanwhile, and is passed over too. So
the count can only be too high, never too low: no two claims let in more than a gate's number.
"""

# ruff: noqa: S608 - statements are put together from names that stand in this folder; values are parameters

from typing import Final

from infrastructure.store.postgres.connections import POSTGRES
from infrastructure.store.reader import DUE, LAPSED
from infrastructure.store.rows import RUN_COLUMNS
from infrastructure.store.terms import DELIVERED, LET_IN, SHUT

_RUN = ", ".join("r." + name for name in RUN_COLUMNS.split(", "))
_TURN = "q.due_at - q.head_start"
_PLACE = "q.run, q.thread, q.tenant, q.slot, q.rate, q.number"
_QUEUE = "queue q JOIN heads h ON h.thread = q.thread"
_FREE = f"q.tenant = {{tenant}} AND {DUE} AND {LET_IN}"


def _next_tenant(condition: str) -> str:
    return f"(SELECT q.tenant FROM queue q WHERE q.worker IS NULL AND {condition} ORDER BY q.tenant, {_TURN}, q.number LIMIT 1)"


def _walk(name: str, first: str, further: str) -> str:
    """Tenants that have something nobody holds, one index probe each."""
    return f"""{name}(tenant) AS (
    SELECT {_next_tenant(first)} UNION ALL SELECT {_next_tenant(further)} FROM {name} WHERE {name}.tenant IS NOT NULL
)"""


# The worker, the most it takes, the lease's seconds, and the tenant that was served last.
CLAIM: Final = POSTGRES.spell(f"""WITH RECURSIVE shut AS MATERIALIZED (
    {SHUT}
), lapsed AS (
    SELECT {_PLACE} FROM {_QUEUE} WHERE {LAPSED} LIMIT $2::bigint FOR UPDATE OF q, h SKIP LOCKED
), {_walk("behind", "q.tenant > $4", "q.tenant > behind.tenant")},
{_walk("before", "q.tenant <= $4", "q.tenant > before.tenant AND q.tenant <= $4")},
ring AS MATERIALIZED (
    SELECT tenant, row_number() OVER () AS seat FROM (SELECT tenant FROM behind UNION ALL SELECT tenant FROM before) walked
    CROSS JOIN LATERAL (
        SELECT FROM {_QUEUE} WHERE {_FREE.format(tenant="walked.tenant", now="{now}")} ORDER BY {_TURN}, q.number LIMIT 1
    ) first
), room AS (
    SELECT places, ceil(places::float8 / greatest(1, (SELECT count(*) FROM ring)))::bigint AS share
    FROM (SELECT $2::bigint - (SELECT count(*) FROM lapsed) AS places) rest
), offered AS MATERIALIZED (
    SELECT free.*, ring.seat FROM ring CROSS JOIN LATERAL (
        SELECT {_PLACE}, {_TURN} AS turn FROM {_QUEUE} WHERE {_FREE.format(tenant="ring.tenant", now="{now}")}
        ORDER BY {_TURN}, q.number LIMIT (SELECT share FROM room) FOR UPDATE OF q, h SKIP LOCKED
    ) free
), wanted AS (
    SELECT tenant, slot AS key FROM offered WHERE slot IS NOT NULL UNION SELECT tenant, rate FROM offered WHERE rate IS NOT NULL
), seen AS MATERIALIZED (
    SELECT g.tenant, g.key, g.stamp,
        (SELECT count(*) FROM queue q WHERE q.worker IS NOT NULL AND q.tenant = g.tenant AND q.slot = g.key) AS taken
    FROM gates g JOIN wanted USING (tenant, key)
), locked AS MATERIALIZED (
    SELECT g.* FROM gates g JOIN wanted USING (tenant, key) FOR UPDATE OF g SKIP LOCKED
), opened AS MATERIALIZED (
    SELECT tenant, key, locked.most - CASE WHEN seconds IS NULL THEN seen.taken WHEN ends <= {{now}} THEN 0 ELSE used END AS left
    FROM locked JOIN seen USING (tenant, key) WHERE locked.stamp = seen.stamp
), ranked AS (
    SELECT offered.*, row_number() OVER (PARTITION BY tenant ORDER BY turn, number) AS round,
        row_number() OVER (PARTITION BY tenant, slot ORDER BY turn, number) AS in_slot,
        row_number() OVER (PARTITION BY tenant, rate ORDER BY turn, number) AS in_rate
    FROM offered
), entered AS MATERIALIZED (
    SELECT ranked.*, row_number() OVER (ORDER BY round, seat) AS place FROM ranked
    WHERE (slot IS NULL OR in_slot <= (SELECT o.left FROM opened o WHERE o.tenant = ranked.tenant AND o.key = ranked.slot))
        AND (rate IS NULL OR in_rate <= (SELECT o.left FROM opened o WHERE o.tenant = ranked.tenant AND o.key = ranked.rate))
    ORDER BY round, seat LIMIT (SELECT places FROM room)
), passed AS (
    UPDATE gates g SET stamp = g.stamp + 1,
        used = CASE WHEN g.seconds IS NULL THEN 0 WHEN g.ends <= {{now}} THEN through.runs ELSE g.used + through.runs END,
        ends = CASE WHEN g.seconds IS NULL OR g.ends > {{now}} THEN g.ends ELSE {{now}} + g.seconds END
    FROM (
        SELECT tenant, key, count(*) AS runs FROM (
            SELECT tenant, slot AS key FROM entered WHERE slot IS NOT NULL UNION ALL SELECT tenant, rate FROM entered WHERE rate IS NOT NULL
        ) keys GROUP BY tenant, key
    ) through WHERE g.tenant = through.tenant AND g.key = through.key
), due AS (
    SELECT run, thread, TRUE AS was_held, 0 AS place, number FROM lapsed
    UNION ALL SELECT run, thread, FALSE, place, number FROM entered
), raised AS (
    UPDATE heads h SET epoch = h.epoch + 1, run = due.run FROM due WHERE h.thread = due.thread RETURNING due.*, h.epoch, h.position
), taken AS (
    UPDATE queue q SET worker = $1, epoch = raised.epoch, until = {{now}} + $3::float8, rate = NULL, debounce = NULL,
        deliveries = CASE WHEN q.claimed_position <> raised.position THEN 1 ELSE {DELIVERED.format(was_held="raised.was_held::int")} END,
        claimed_position = raised.position
    FROM raised WHERE q.run = raised.run RETURNING q.run, q.deliveries
), begun AS (
    UPDATE runs r SET status = 'running', started_at = coalesce(r.started_at, {{now}}) FROM due WHERE r.id = due.run RETURNING {_RUN}
)
SELECT raised.epoch, raised.position, raised.was_held, taken.deliveries, r.*
FROM raised JOIN taken USING (run) JOIN begun r ON r.id = raised.run
ORDER BY raised.place, raised.number""")

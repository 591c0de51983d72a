"""Terms of runs as rows, and what both databases say alike of gates."""

# ruff: noqa: S608 - statements are put together from names that stand in this folder; values are parameters

from typing import Final

from domain.run.terms import DELIVERIES, Gate, Terms
from infrastructure.store.rows import Row

TERMS_COLUMNS: Final = "slot, rate, singleton, debounce, sole"
UNUSED_SECONDS: Final = 24 * 3600.0
TIDIED_AT_ONCE: Final = 100

# How often a run was delivered without a row since, when it is claimed again. The last one counts from when it is begun.
DELIVERED: Final = f"CASE WHEN q.deliveries < {DELIVERIES} THEN q.deliveries + {{was_held}} ELSE q.deliveries END"
# What is let in by nobody now: slots that are full, rates whose window has let in all it may.
SHUT: Final = """SELECT held.tenant, held.slot AS key FROM (
        SELECT tenant, slot, count(*) AS taken FROM queue WHERE worker IS NOT NULL AND slot IS NOT NULL GROUP BY tenant, slot
    ) held JOIN gates g ON g.tenant = held.tenant AND g.key = held.slot WHERE held.taken >= g.most
    UNION ALL SELECT tenant, key FROM gates WHERE ends > {now} AND used >= most"""
LET_IN: Final = """(q.slot IS NULL OR (q.tenant, q.slot) NOT IN (SELECT tenant, key FROM shut))
    AND (q.rate IS NULL OR (q.tenant, q.rate) NOT IN (SELECT tenant, key FROM shut))"""
# A gate that nobody has asked for in a day, and that no run of the queue waits at. The time stands outside as well: a start may come first.
TIDY: Final = f"""DELETE FROM gates WHERE seen_at < {{now}} - {UNUSED_SECONDS} AND (tenant, key) IN (
    SELECT g.tenant, g.key FROM gates g WHERE g.seen_at < {{now}} - {UNUSED_SECONDS} AND g.ends <= {{now}}
        AND (g.tenant, g.key) NOT IN (
            SELECT tenant, slot FROM queue WHERE slot IS NOT NULL UNION ALL SELECT tenant, rate FROM queue WHERE rate IS NOT NULL
        )
    ORDER BY g.seen_at LIMIT {TIDIED_AT_ONCE} {{unless_locked}})"""


def terms_row(terms: Terms, thread: str) -> Row:
    """The values of `TERMS_COLUMNS`."""
    slot, rate = terms.slot and terms.slot.key, terms.rate and terms.rate.key
    return (slot, rate, terms.singleton, terms.debounce, thread if terms.rejects_busy else None)


def gate_row(tenant: str, gate: Gate) -> Row:
    """Tenant, key, most, seconds."""
    return (tenant, gate.key, gate.most, gate.seconds)


def start_row(terms: Terms, thread: str) -> Row:
    """The delay, then the values of `TERMS_COLUMNS`, then what the gates of its slot and its rate are to let in."""
    return (
        terms.delay_seconds,
        *terms_row(terms, thread),
        terms.slot and terms.slot.most,
        terms.rate and terms.rate.most,
        terms.rate and terms.rate.seconds,
    )

"""The usage ledger and what its lines come to, for SQLite and PostgreSQL. Sums are kept by triggers on `usage`: see migration 0009."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Table, UniqueConstraint

from infrastructure.store.columns import Name, count_column, metadata, number_column, seconds_column, text_column

MEASURES = (
    "calls",
    "prompt_tokens",
    "completion_tokens",
    "cached_tokens",
    "reasoning_tokens",
    "unknown",
    "estimated",
    "cost_whole",
    "cost_nano",
    "cost_atto",
)
"""What is summed; an amount of money in three parts (`domain.tally.limbs_of`), so that both databases sum it exactly."""


def _count(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False, server_default="0")


def _text(name: str) -> Column[str]:
    return Column(name, Name, nullable=False, server_default="")


usage = Table(
    "usage",
    metadata,
    number_column(),
    text_column("tenant"),
    text_column("thread"),
    text_column("run"),
    text_column("workflow"),
    text_column("activation"),
    count_column("effect"),
    count_column("attempt"),
    count_column("epoch"),
    text_column("model"),
    count_column("prompt_tokens"),
    count_column("completion_tokens"),
    text_column("cost", null=True),
    text_column("currency", null=True),
    Column("estimated", Boolean, nullable=False),
    Column("state", Name, nullable=False, server_default="counted"),
    _text("node"),
    _text("prompt"),
    _text("session"),
    _text("user_id"),
    _count("cached_tokens"),
    _count("reasoning_tokens"),
    Column("at", seconds_column("at").type, nullable=False, server_default="0"),
    _count("day"),
    _count("cost_whole"),
    _count("cost_nano"),
    _count("cost_atto"),
    UniqueConstraint("run", "activation", "effect", "attempt", "epoch"),
    Index(None, "tenant", "at"),
)
"""`cost`: as the provider's price made it; the same in three parts beside it. `day`: of `at`; both stay as they were first written."""


def _sums(name: str, *aspects: str) -> Table:
    return Table(
        name,
        metadata,
        text_column("tenant", key=True),
        count_column("day", key=True),
        *(text_column(aspect, key=True) for aspect in aspects),
        text_column("currency", key=True),
        count_column("shard", key=True),
        *(count_column(measure) for measure in MEASURES),
        sqlite_with_rowid=False,
        postgresql_with={"fillfactor": 50},
    )


usage_days = _sums("usage_days", "workflow", "node", "model", "prompt")
usage_sessions = _sums("usage_sessions", "workflow", "node", "model", "prompt", "session", "user_id")
"""`currency` "": calls without a known price. `shard`: those who write at the same time write different ones; the sum over all is what is
true, and one of them may be negative."""

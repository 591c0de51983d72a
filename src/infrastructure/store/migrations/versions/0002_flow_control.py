"""What a queue's row knows so that priorities, limits and shares can be kept."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
FREE = sa.text("worker IS NULL")
HELD = sa.text("worker IS NOT NULL")


def upgrade() -> None:
    for column in (
        sa.Column("until", sa.Double),
        sa.Column("head_start", sa.Double, nullable=False, server_default="0"),
        *(sa.Column(name, NAME) for name in ("slot", "rate", "singleton", "debounce")),
        sa.Column("deliveries", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("claimed_position", sa.BigInteger, nullable=False, server_default="-1"),
    ):
        op.add_column("queue", column)
    op.execute("UPDATE queue SET until = due_at WHERE worker IS NOT NULL")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE queue SET (fillfactor = 70)")
    op.drop_index("ix_queue_due_at_number", "queue")
    _index("ix_queue_due_at_number", ["due_at", "number"], FREE)
    _index("ix_queue_turn", ["tenant", sa.text("(due_at - head_start)"), "number"], FREE)
    _index("ix_queue_held", ["tenant", "slot"], HELD)
    for name in ("singleton", "debounce"):
        _index(f"uq_queue_{name}", ["tenant", name], sa.text(f"{name} IS NOT NULL"), unique=True)
    op.create_table(
        "gates",
        sa.Column("tenant", NAME, nullable=False),
        sa.Column("key", NAME, nullable=False),
        sa.Column("most", sa.BigInteger, nullable=False),
        sa.Column("seconds", sa.Double),
        sa.Column("ends", sa.Double, nullable=False),
        sa.Column("used", sa.BigInteger, nullable=False),
        sa.Column("stamp", sa.BigInteger, nullable=False),
        sa.Column("seen_at", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "key", name="pk_gates"),
        postgresql_with={"fillfactor": 70},
    )
    op.create_index("ix_gates_ends", "gates", ["ends"])
    op.create_index("ix_gates_seen_at", "gates", ["seen_at"])


def downgrade() -> None:
    op.drop_table("gates")
    for name in ("uq_queue_debounce", "uq_queue_singleton", "ix_queue_held", "ix_queue_turn", "ix_queue_due_at_number"):
        op.drop_index(name, "queue")
    op.execute("UPDATE queue SET due_at = until WHERE worker IS NOT NULL")
    for column in ("claimed_position", "deliveries", "debounce", "singleton", "rate", "slot", "head_start", "until"):
        op.drop_column("queue", column)
    op.create_index("ix_queue_due_at_number", "queue", ["due_at", "number"])


def _index(name: str, columns: list[str | sa.TextClause], where: sa.TextClause, *, unique: bool = False) -> None:
    op.create_index(name, "queue", columns, unique=unique, postgresql_where=where, sqlite_where=where)

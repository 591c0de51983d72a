"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def names(*columns: str) -> list[sa.Column[str]]:
    return [sa.Column(column, NAME, nullable=False) for column in columns]


def counts(*columns: str) -> list[sa.Column[int]]:
    return [sa.Column(column, sa.BigInteger, nullable=False) for column in columns]


def seconds(column: str, *, nullable: bool = False) -> sa.Column[float]:
    return sa.Column(column, sa.Double, nullable=nullable)


def body(column: str = "body") -> sa.Column[bytes]:
    return sa.Column(column, sa.LargeBinary, nullable=False)


def number() -> sa.Column[int]:
    return sa.Column("number", NUMBER, primary_key=True, autoincrement=True)


def upgrade() -> None:
    op.create_table(
        "workflows",
        *names("tenant", "hash", "name", "version", "description"),
        body("tags"),
        sa.Column("published", sa.Boolean, nullable=False),
        seconds("created_at"),
        seconds("updated_at"),
        body("document"),
        sa.PrimaryKeyConstraint("tenant", "hash", name="pk_workflows"),
    )
    op.create_index(
        "uq_workflows_published",
        "workflows",
        ["tenant", "name", "version"],
        unique=True,
        postgresql_where=sa.text("published"),
        sqlite_where=sa.text("published"),
    )
    op.create_table(
        "templates",
        *names("tenant", "name", "description"),
        body(),
        seconds("created_at"),
        sa.PrimaryKeyConstraint("tenant", "name", name="pk_templates"),
    )
    op.create_table(
        "threads",
        *names("id", "tenant"),
        seconds("created_at"),
        *names("thread_type"),
        body(),
        sa.PrimaryKeyConstraint("id", name="pk_threads"),
    )
    op.create_index("ix_threads_tenant_created_at_id", "threads", ["tenant", "created_at", "id"])
    op.create_table(
        "heads",
        *names("thread", "tenant"),
        *counts("epoch", "position"),
        sa.Column("run", NAME),
        sa.PrimaryKeyConstraint("thread", name="pk_heads"),
        sqlite_with_rowid=False,
        postgresql_with={"fillfactor": 50},
    )
    op.create_table(
        "journal",
        *names("thread"),
        *counts("position"),
        *names("tenant", "run", "kind"),
        seconds("at"),
        body(),
        sa.PrimaryKeyConstraint("thread", "position", name="pk_journal"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "inbox",
        number(),
        *names("tenant", "thread", "run", "kind"),
        body(),
        *names("key"),
        sa.PrimaryKeyConstraint("number", name="pk_inbox"),
        sa.UniqueConstraint("run", "key", name="uq_inbox_run_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_inbox_thread_number", "inbox", ["thread", "number"])
    op.create_table(
        "checkpoints",
        *names("thread"),
        *counts("position"),
        *names("tenant"),
        body(),
        sa.PrimaryKeyConstraint("thread", "position", name="pk_checkpoints"),
    )
    op.create_table(
        "runs",
        *names("id", "tenant", "thread", "workflow", "workflow_hash", "status"),
        seconds("created_at"),
        seconds("started_at", nullable=True),
        seconds("ended_at", nullable=True),
        body("asked"),
        body("outcome"),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
        postgresql_with={"fillfactor": 70},
    )
    op.create_index("ix_runs_tenant_created_at_id", "runs", ["tenant", "created_at", "id"])
    op.create_index("ix_runs_thread_created_at_id", "runs", ["thread", "created_at", "id"])
    op.create_table(
        "queue",
        number(),
        *names("run", "tenant", "thread"),
        seconds("due_at"),
        sa.Column("worker", NAME),
        *counts("epoch", "wishes"),
        sa.PrimaryKeyConstraint("number", name="pk_queue"),
        sa.UniqueConstraint("run", name="uq_queue_run"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_queue_due_at_number", "queue", ["due_at", "number"])
    op.create_index("ix_queue_thread_number", "queue", ["thread", "number"])
    op.create_table(
        "usage",
        number(),
        *names("tenant", "thread", "run", "workflow", "activation"),
        *counts("effect", "attempt", "epoch"),
        *names("model"),
        *counts("prompt_tokens", "completion_tokens"),
        sa.Column("cost", NAME),
        sa.Column("currency", NAME),
        sa.Column("estimated", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_usage"),
        sa.UniqueConstraint("run", "activation", "effect", "attempt", "epoch", name="uq_usage_run_activation_effect_attempt_epoch"),
    )
    op.create_table(
        "api_keys",
        *names("id", "tenant", "role", "digest", "name"),
        seconds("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("digest", name="uq_api_keys_digest"),
    )
    op.create_index("ix_api_keys_tenant_created_at_id", "api_keys", ["tenant", "created_at", "id"])
    op.create_table(
        "idempotency",
        *names("tenant", "key", "digest", "run"),
        seconds("at"),
        sa.PrimaryKeyConstraint("tenant", "key", name="pk_idempotency"),
    )
    op.create_index("ix_idempotency_at", "idempotency", ["at"])


def downgrade() -> None:
    tables = (
        "workflows",
        "templates",
        "threads",
        "heads",
        "journal",
        "inbox",
        "checkpoints",
        "runs",
        "queue",
        "usage",
        "api_keys",
        "idempotency",
    )
    for table in reversed(tables):
        op.drop_table(table)

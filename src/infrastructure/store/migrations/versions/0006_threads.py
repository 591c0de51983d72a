"""Threads with parents, sessions, snapshots, items remembered across threads, and large values stored once."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
EXPIRES = sa.text("expires_at IS NOT NULL")
SOLE = sa.text("sole IS NOT NULL")


def upgrade() -> None:
    for column, kind in (("session", NAME), ("parent", NAME), ("parent_position", sa.BigInteger), ("line", NAME)):
        op.add_column("threads", sa.Column(column, kind))
    for column in ("parent", "session"):
        there = sa.text(f"{column} IS NOT NULL")
        op.create_index(f"ix_threads_{column}", "threads", [column, "created_at", "id"], postgresql_where=there, sqlite_where=there)
    op.add_column("queue", sa.Column("line", NAME, nullable=False, server_default=""))
    op.add_column("queue", sa.Column("sole", NAME))
    op.execute("UPDATE queue SET line = thread")
    op.drop_index("ix_queue_thread_number", "queue")
    op.create_index("ix_queue_line_number", "queue", ["line", "number"])
    op.create_index("uq_queue_sole", "queue", ["sole"], unique=True, postgresql_where=SOLE, sqlite_where=SOLE)
    op.create_table(
        "sessions",
        sa.Column("id", NAME, nullable=False),
        sa.Column("tenant", NAME, nullable=False),
        sa.Column("user_id", NAME, nullable=False),
        sa.Column("state", NAME, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("updated_at", sa.Double, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
    )
    op.create_index("ix_sessions_tenant_created_at_id", "sessions", ["tenant", "created_at", "id"])
    op.create_index("ix_sessions_tenant_user_id_created_at_id", "sessions", ["tenant", "user_id", "created_at", "id"])
    op.create_table(
        "snapshots",
        sa.Column("id", NAME, nullable=False),
        sa.Column("tenant", NAME, nullable=False),
        sa.Column("thread", NAME, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("kind", NAME, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("tags", NAME, nullable=False),
        sa.Column("about", sa.LargeBinary, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_snapshots"),
    )
    op.create_index("ix_snapshots_thread_created_at_id", "snapshots", ["thread", "created_at", "id"])
    op.create_index("ix_snapshots_expires_at", "snapshots", ["expires_at"], postgresql_where=EXPIRES, sqlite_where=EXPIRES)
    op.create_table(
        "items",
        sa.Column("tenant", NAME, nullable=False),
        sa.Column("namespace", NAME, nullable=False),
        sa.Column("key", NAME, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("updated_at", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("words", NAME, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "namespace", "key", name="pk_items"),
    )
    op.create_index("ix_items_expires_at", "items", ["expires_at"], postgresql_where=EXPIRES, sqlite_where=EXPIRES)
    op.create_table(
        "blobs",
        sa.Column("tenant", NAME, nullable=False),
        sa.Column("hash", NAME, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "hash", name="pk_blobs"),
    )
    op.create_table(
        "blob_uses",
        sa.Column("tenant", NAME, nullable=False),
        sa.Column("hash", NAME, nullable=False),
        sa.Column("thread", NAME, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "hash", "thread", name="pk_blob_uses"),
    )
    op.create_index("ix_blob_uses_thread", "blob_uses", ["thread"])


def downgrade() -> None:
    for table in ("blob_uses", "blobs", "items", "snapshots", "sessions"):
        op.drop_table(table)
    for index in ("uq_queue_sole", "ix_queue_line_number"):
        op.drop_index(index, "queue")
    for column in ("sole", "line"):
        op.drop_column("queue", column)
    op.create_index("ix_queue_thread_number", "queue", ["thread", "number"])
    for column in ("parent", "session"):
        op.drop_index(f"ix_threads_{column}", "threads")
    for column in ("session", "parent", "line", "parent_position"):
        op.drop_column("threads", column)

"""Turns at providers of models, which all processes take from one lane."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "model_lanes",
        sa.Column("name", NAME, nullable=False),
        sa.Column("written", NAME, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_model_lanes"),
    )


def downgrade() -> None:
    op.drop_table("model_lanes")

"""What Alembic runs: the revisions, on the connection it was given, inside that connection's transaction."""

from alembic import context

from infrastructure.store import (  # noqa: F401 - their tables are in the metadata
    budget_tables,
    history_tables,
    model_tables,
    prompt_tables,
    schedule_tables,
    tables,
    thread_tables,
    tool_tables,
    usage_tables,
    webhook_tables,
)
from infrastructure.store.columns import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()

"""What Alembic runs: the revisions, on the connection it was given, inside that connection's transaction."""

from alembic import context

from infrastructure.store.columns import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()

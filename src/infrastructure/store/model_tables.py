"""The table of lanes at providers of models, for SQLite and PostgreSQL."""

from sqlalchemy import Table

from infrastructure.store.columns import metadata, text_column

model_lanes = Table("model_lanes", metadata, text_column("name", key=True), text_column("written"))

"""Writes again what an empty SQLite file is made from: what all revisions make, one after the other."""

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from alembic import command

from infrastructure.store import migrate


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "revised.db"
        migrate._on_sqlite(f"sqlite:///{path}", command.upgrade, migrate.HEAD)
        migrate.SNAPSHOT.write_text(migrate.schema_of(path))


if __name__ == "__main__":
    main()

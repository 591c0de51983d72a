"""Is the database there, and is its schema ours?"""

from dataclasses import dataclass

from domain.errors import DatabaseError
from domain.ports.repositories import Health
from infrastructure.store.migrate import HEAD
from infrastructure.store.reader import Reader


@dataclass(frozen=True, slots=True)
class SchemaHealth:
    reader: Reader
    kind: str

    async def check(self) -> Health:
        try:
            rows = await self.reader.rows("SELECT version_num FROM alembic_version")
        except DatabaseError as error:
            return Health(ready=False, reason=error.message, details={"database": self.kind})
        found = rows[0][0] if rows else "none"
        details = {"database": self.kind, "schema": found}
        if found == HEAD:
            return Health(ready=True, details=details)
        return Health(False, f"the schema is at revision {found} and this version needs {HEAD}: restart Weft to upgrade it", details)

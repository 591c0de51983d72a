"""How a store is named: `sqlite:///relative/path`, `sqlite:////absolute/path`, `postgresql://user:password@host/database`, `memory:`."""

from pathlib import Path

from domain.errors import DatabaseError

_SQLITE = "sqlite:///"
_POSTGRES = ("postgresql+asyncpg://", "postgresql://", "postgres://")


def is_memory(url: str) -> bool:
    return url.startswith("memory:")


def is_sqlite(url: str) -> bool:
    return url.startswith(_SQLITE)


def sqlite_path(url: str) -> Path:
    return Path(url.removeprefix(_SQLITE))


def driver_dsn(url: str) -> str:
    """A PostgreSQL URL as the driver takes it. `DatabaseError` for a scheme that is none of ours; it does not quote the URL,
    which may hold a password."""
    for scheme in _POSTGRES:
        if url.startswith(scheme):
            return "postgresql://" + url.removeprefix(scheme)
    raise DatabaseError("a database URL starts with sqlite:///, postgresql:// or memory:")

"""Connections to one SQLite file. Several processes may share it: the write-ahead log lets readers read while one of them writes."""

import asyncio
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import lru_cache
from pathlib import Path

import orjson

from domain.errors import DatabaseError
from domain.ports.clock import Clock
from infrastructure.store.reader import Dialect
from infrastructure.store.rows import Row
from infrastructure.store.shape import is_of_another_shape, unusable

BUSY_SECONDS = 10.0
"""How long a writer waits for another process's turn at the file."""
SQLITE = Dialect(now="(SELECT weft_now())", members="(SELECT value FROM json_each({}))", text="CAST({} AS TEXT)")
_SETTINGS = ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "PRAGMA temp_store = MEMORY")


def connect(path: Path, clock: Clock) -> sqlite3.Connection:
    """Every commit of it is on the disk when it returns. Transactions begin and end where we say."""
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, cached_statements=256)
    for setting in _SETTINGS:
        connection.execute(setting)
    connection.create_function("weft_now", 0, lambda: clock.now().timestamp())
    return connection


def trouble(path: Path, error: Exception) -> DatabaseError:
    return unusable(str(path), error) if is_of_another_shape(error) else DatabaseError(f"{path} cannot be used: {error}")


@lru_cache(maxsize=256)
def question_marks(statement: str) -> str:
    """`$1` as SQLite spells it."""
    return statement.replace("$", "?")


class SqliteReader:
    """One connection on a thread of its own, beside the writer's, and one on the event loop for what is faster read than handed over."""

    dialect = SQLITE

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._connection = connect(path, clock)
        self._here = connect(path, clock)
        self._here.execute("PRAGMA busy_timeout = 0")
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="weft-read")

    async def rows(self, statement: str, *values: object) -> Sequence[Row]:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._fetch, question_marks(statement), values)

    async def few(self, statement: str, *values: object) -> Sequence[Row]:
        """On the event loop, where readers wait for nobody; in the rare moment when they would have to, on the thread."""
        try:
            with closing(self._here.execute(question_marks(statement), values)) as cursor:
                return cursor.fetchall()
        except sqlite3.OperationalError:
            return await self.rows(statement, *values)
        except sqlite3.Error as error:
            raise trouble(self._path, error) from error

    def members(self, values: Sequence[str]) -> object:
        return orjson.dumps(values).decode()

    def close(self) -> None:
        """Waits for the read under way."""
        self._thread.shutdown()
        self._connection.close()
        self._here.close()

    def _fetch(self, statement: str, values: tuple[object, ...]) -> Sequence[Row]:
        try:
            with closing(self._connection.execute(statement, values)) as cursor:
                return cursor.fetchall()
        except sqlite3.Error as error:
            raise trouble(self._path, error) from error

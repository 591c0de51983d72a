"""Wake-ups between processes by LISTEN and NOTIFY, over a connection of their own: no commit of anything else waits for them.

Whoever rings is never held up: while one notification is on its way the next ones are one. What is lost costs time, and nothing else.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import asyncpg
import structlog

from domain.ports.hints import INBOX, QUEUE
from infrastructure.store.bells import Bells
from infrastructure.store.postgres.connections import CONNECT_SECONDS, LOST, REFUSED

log = structlog.get_logger("infrastructure.store")
CHANNELS: Final = {QUEUE: "weft_queue", INBOX: "weft_inbox"}
_TOPICS: Final = {channel: topic for topic, channel in CHANNELS.items()}
BREATH_SECONDS: Final = 0.005
"""Between two notifications: what rings meanwhile goes with the next."""
RECONNECT_SECONDS: Final = 1.0
SILENCE_SECONDS: Final = 15.0
"""How often the connection is asked whether it still is one."""
# Nothing that must be durable is said here.
_SETTINGS: Final = {"application_name": "weft-hints", "synchronous_commit": "off", "jit": "off"}
_NOTIFY: Final = "SELECT pg_notify($1, $2)"


class PostgresHints:
    """`domain.ports.hints.Hints`. Who rings hears it at once in its own process, connected or not."""

    def __init__(self, dsn: str) -> None:
        self._dsn, self._me = dsn, secrets.token_hex(8)
        self._bells = Bells()
        self._untold: set[str] = set()
        self._poked = asyncio.Event()

    def ring(self, topic: str) -> None:
        self._bells.ring(topic)
        self._untold.add(topic)
        self._poked.set()

    async def heard(self, topic: str, timeout: float) -> None:
        await self._bells.heard(topic, timeout)

    async def serve(self) -> None:
        """Listens and tells until it is cancelled; connects again when it has to."""
        while True:
            try:
                await self._talk()
            except (*LOST, *REFUSED) as error:
                log.warning("no wake-ups from other processes: looking every poll interval", reason=str(error) or type(error).__name__)
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _talk(self) -> None:
        connection = await asyncpg.connect(self._dsn, timeout=CONNECT_SECONDS, command_timeout=CONNECT_SECONDS, server_settings=_SETTINGS)
        connection.add_termination_listener(lambda _: self._poked.set())  # who waits for something to tell sees that nobody hears it
        try:
            for channel in _TOPICS:
                await connection.add_listener(channel, self._hear)
            for topic in CHANNELS:  # something may have happened while nobody listened
                self._bells.ring(topic)
            await self._tell(connection)
        finally:
            connection.terminate()

    async def _tell(self, connection: asyncpg.Connection) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(SILENCE_SECONDS):
                    await self._poked.wait()
            self._poked.clear()
            topics, self._untold = self._untold, set()
            if not topics:
                await connection.fetchval("SELECT 1")
            for topic in topics:
                await connection.fetchval(_NOTIFY, CHANNELS[topic], self._me)
            await asyncio.sleep(BREATH_SECONDS)

    def _hear(self, _connection: object, _pid: int, channel: str, sender: str) -> None:
        if sender != self._me:
            self._bells.ring(_TOPICS[channel])


@asynccontextmanager
async def open_hints(dsn: str) -> AsyncIterator[PostgresHints]:
    hints = PostgresHints(dsn)
    serving = asyncio.create_task(hints.serve(), name="weft-hints")
    try:
        yield hints
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
